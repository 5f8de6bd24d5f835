#include "qopt/Conversion/NNToLinalg/Passes.h"

#include "Lowerings.h"

#include "qopt/Conversion/QoptToLinalg/QoptToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace qopt {
#define GEN_PASS_DEF_CONVERTNNTOLINALG
#include "qopt/Conversion/NNToLinalg/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

void qopt::addNNLowerings(LoweringTable &table) {
  addElementwiseLowerings(table);
  addMatMulLowerings(table);
  addEinsumLowerings(table);
  addAttentionLowerings(table);
  addConvLowerings(table);
  addPoolLowerings(table);
  addReduceLowerings(table);
  addScanLowerings(table);
  addNormLowerings(table);
  addSoftmaxLowerings(table);
  addShapeLowerings(table);
  addSliceLowerings(table);
  addFillLowerings(table);
  addGatherLowerings(table);
  addScatterLowerings(table);
  addResizeLowerings(table);
  addSortLowerings(table);
  addRearrangeLowerings(table);
}

namespace {
struct ConvertNNToLinalg : public qopt::impl::ConvertNNToLinalgBase<ConvertNNToLinalg> {
  void runOnOperation() override {
    LoweringTable table;
    addNNLowerings(table);
    addQoptLowerings(table);
    if (failed(lowerModule(getOperation(), table)))
      signalPassFailure();
  }
};
} // namespace
