#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_PLACEDEALLOCSPASS
#include "qopt/Codegen/Common/Passes.h.inc"

namespace {

bool isInside(Block *inner, Block *outer) {
  while (inner && inner != outer)
    inner = inner->getParentOp() ? inner->getParentOp()->getBlock() : nullptr;
  return inner;
}

/// The last op of the allocation's block that uses the buffer under any of its names; null when the buffer may leave
/// the block or is freed already.
Operation *lastUse(memref::AllocOp alloc, BufferViewFlowAnalysis &views) {
  Block *block = alloc->getBlock();
  Operation *last = alloc;
  for (Value name : views.resolve(alloc.getMemref())) {
    if (!isInside(name.getParentBlock(), block))
      return nullptr;
    for (Operation *user : name.getUsers()) {
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      if (!ancestor || ancestor->hasTrait<OpTrait::IsTerminator>() || isa<memref::DeallocOp>(user))
        return nullptr;
      if (last->isBeforeInBlock(ancestor))
        last = ancestor;
    }
  }
  return last;
}

struct PlaceDeallocsPass : impl::PlaceDeallocsPassBase<PlaceDeallocsPass> {
  void runOnOperation() override {
    BufferViewFlowAnalysis views(getOperation());
    SmallVector<std::pair<memref::AllocOp, Operation *>> places;
    getOperation().walk([&](memref::AllocOp alloc) {
      if (alloc->hasAttr(outputAttrName))
        return;
      if (Operation *last = lastUse(alloc, views))
        places.emplace_back(alloc, last);
    });
    OpBuilder builder(&getContext());
    for (auto [alloc, last] : places) {
      builder.setInsertionPointAfter(last);
      memref::DeallocOp::create(builder, alloc.getLoc(), alloc);
    }
  }
};

} // namespace
} // namespace qopt
