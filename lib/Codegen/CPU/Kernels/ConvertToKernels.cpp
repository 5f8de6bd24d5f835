#include "GenericLoops.h"
#include "Selection.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"
#include "qopt/Conversion/NNToLinalg/Passes.h"
#include "qopt/Conversion/QoptToLinalg/QoptToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace qopt::qcpu {
#define GEN_PASS_DEF_CONVERTNNTOQCPU
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"
} // namespace qopt::qcpu

using namespace mlir;
using namespace qopt;
using namespace qopt::qcpu;

namespace {
struct ConvertNNToQCPU : qopt::qcpu::impl::ConvertNNToQCPUBase<ConvertNNToQCPU> {
  using ConvertNNToQCPUBase::ConvertNNToQCPUBase;

  void runOnOperation() override {
    LoweringTable table;
    addNNLowerings(table);
    addQoptLowerings(table);
    CpuFeatures cpu = CpuFeatures::parse(features);
    noteGenericLoops(table, cpu);
    addMatMulKernels(table, cpu);
    addConvKernels(table, cpu);
    addIntegerKernels(table, cpu);
    if (failed(lowerModule(getOperation(), table)))
      signalPassFailure();
  }
};
} // namespace
