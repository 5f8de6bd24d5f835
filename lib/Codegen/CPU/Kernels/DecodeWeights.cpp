#include "DecodedWeights.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Codegen/CPU/Kernels/QCPU.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace qopt::qcpu {
#define GEN_PASS_DEF_QCPUDECODEWEIGHTS
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"
} // namespace qopt::qcpu

using namespace mlir;
using namespace qopt;
using namespace qopt::qcpu;

namespace {

/// Whether every user is a product that reads the codes themselves.
bool staysPacked(qir::DequantizeOp op) {
  return !op->use_empty() && llvm::all_of(op->getUses(), [&](OpOperand &use) {
    if (use.getOperandNumber() != 1)
      return false;
    if (auto gemm = dyn_cast<nn::GemmOp>(use.getOwner()))
      return !gemm.getTransA() && hasPackedForm(op, gemm.getTransB());
    return isa<nn::MatMulOp>(use.getOwner()) && hasPackedForm(op, false);
  });
}

ElementsAttr constantOf(RankedTensorType type, ArrayRef<float> values) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
  if (bytes.size() <= 1024)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return DenseResourceElementsAttr::get(type, "decoded", HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64, /*dataIsMutable=*/false));
}

struct DecodeWeights : qopt::qcpu::impl::QCPUDecodeWeightsBase<DecodeWeights> {
  void runOnOperation() override {
    SmallVector<qir::DequantizeOp> weights;
    getOperation().walk([&](qir::DequantizeOp op) { weights.push_back(op); });
    for (qir::DequantizeOp op : weights) {
      if (staysPacked(op))
        continue;
      auto values = decodedElements(op.getX());
      if (!values)
        continue;
      OpBuilder b(op);
      Value constant = nn::ConstantOp::create(b, op.getLoc(), constantOf(cast<RankedTensorType>(op.getX().getType()), *values));
      op.getX().replaceAllUsesWith(constant);
    }
  }
};

} // namespace
