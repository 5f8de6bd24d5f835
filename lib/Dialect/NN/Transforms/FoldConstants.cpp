#include "Evaluate.h"

#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/HostValues.h"
#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"

#include "mlir/IR/Builders.h"

namespace qopt {
#define GEN_PASS_DEF_NNFOLDCONSTANTS
#include "qopt/Dialect/NN/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

namespace {
struct NNFoldConstants : qopt::impl::NNFoldConstantsBase<NNFoldConstants> {
  using NNFoldConstantsBase::NNFoldConstantsBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<NNDialect>(op->getDialect()) && !isa<ConstantOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (isMemoryEffectFree(op) && op->use_empty())
        continue; // erased below
      OpBuilder builder(op);
      if (!foldKnown(op, builder))
        foldEvaluated(op, builder);
    }
    for (Operation *op : llvm::reverse(ops))
      if (op->use_empty())
        op->erase();
  }

  /// Shape arithmetic whose elements are all known, though its operands are not constant.
  static bool foldKnown(Operation *op, OpBuilder &builder) {
    if (op->getNumResults() != 1)
      return false;
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || type.getRank() > 1 || !isa<IntegerType>(type.getElementType()))
      return false;
    auto known = partialInts(op->getResult(0));
    if (!known || llvm::any_of(*known, ShapedType::isDynamic))
      return false;
    SmallVector<int64_t, 1> shape(type.getRank(), known->size());
    auto tensor = take(tensorFromInts(*dtypeOf(type.getElementType()), shape, *known));
    return tensor && replace(op, {*tensor}, builder);
  }

  bool foldEvaluated(Operation *op, OpBuilder &builder) {
    SmallVector<Tensor> operands;
    int64_t bytesIn = 0, bytesOut = 0;
    for (Value operand : op->getOperands()) {
      ElementsAttr value = constantValue(operand);
      // Splats are small as they are; expanding huge ones costs memory for nothing.
      if (!value || (value.isSplat() && value.getNumElements() > (1 << 20)))
        return false;
      auto tensor = take(tensorOf(value));
      if (!tensor)
        return false;
      bytesIn += tensor->numBytes();
      operands.push_back(std::move(*tensor));
    }
    for (Value result : op->getResults()) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      auto dtype = type ? dtypeOf(type.getElementType()) : std::nullopt;
      if (!dtype || !type.hasStaticShape())
        return false;
      bytesOut += type.getNumElements() * storageBytes(*dtype);
    }
    // A cast may double its operand.
    if (bytesOut > 2 * bytesIn + maxGrowth)
      return false;
    auto results = evaluate(op, operands);
    return results && replace(op, *results, builder);
  }

  static bool replace(Operation *op, ArrayRef<Tensor> values, OpBuilder &builder) {
    for (auto [result, value] : llvm::zip_equal(op->getResults(), values)) {
      ElementsAttr elements = elementsOf(value, op->getContext());
      if (!elements)
        return false;
      result.replaceAllUsesWith(ConstantOp::create(builder, op->getLoc(), elements));
    }
    return true;
  }
};
} // namespace
