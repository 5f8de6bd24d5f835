#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_PLACEOUTPUTSPASS
#include "qopt/Codegen/Common/Passes.h.inc"

namespace {

/// The allocation in `block` whose whole memory `value` is, from its first byte on; null when there is none.
memref::AllocOp wholeAllocation(Value value, Block *block) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op))
      return alloc->getBlock() == block ? alloc : memref::AllocOp();
    if (!isa<memref::CastOp, memref::ExpandShapeOp, memref::CollapseShapeOp>(op))
      return {};
    if (!cast<MemRefType>(op->getResult(0).getType()).getLayout().isIdentity())
      return {};
    value = op->getOperand(0);
  }
  return {};
}

SmallVector<Value> dynamicSizes(OpBuilder &builder, Location loc, Value buffer) {
  SmallVector<Value> sizes;
  auto type = cast<MemRefType>(buffer.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, dim));
  return sizes;
}

struct PlaceOutputsPass : impl::PlaceOutputsPassBase<PlaceOutputsPass> {
  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>(entryFunctionName);
    if (!function || function.isExternal())
      return;
    if (!function.getBody().hasOneBlock()) {
      function.emitError("the entry has to be a single block: structured control flow only");
      return signalPassFailure();
    }
    Block &block = function.getBody().front();
    Operation *terminator = block.getTerminator();
    for (OpOperand &operand : terminator->getOpOperands())
      placeOutput(operand, terminator);
    SmallVector<Type> results(terminator->getOperandTypes());
    function.setType(FunctionType::get(&getContext(), function.getArgumentTypes(), results));
  }

  void placeOutput(OpOperand &operand, Operation *terminator) {
    UnitAttr mark = UnitAttr::get(&getContext());
    memref::AllocOp alloc = wholeAllocation(operand.get(), terminator->getBlock());
    if (alloc && !alloc->hasAttr(outputAttrName))
      return alloc->setAttr(outputAttrName, mark);
    OpBuilder builder(terminator);
    Location loc = terminator->getLoc();
    auto source = cast<MemRefType>(operand.get().getType());
    auto type = MemRefType::get(source.getShape(), source.getElementType());
    auto copy = memref::AllocOp::create(builder, loc, type, dynamicSizes(builder, loc, operand.get()));
    copy->setAttr(outputAttrName, mark);
    memref::CopyOp::create(builder, loc, operand.get(), copy);
    operand.set(copy);
  }
};

} // namespace
} // namespace qopt
