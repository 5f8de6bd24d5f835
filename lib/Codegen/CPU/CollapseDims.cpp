#include "qopt/Codegen/CPU/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_COLLAPSEDIMSPASS
#include "qopt/Codegen/CPU/Passes.h.inc"

namespace {

bool isDense(linalg::GenericOp op) {
  return llvm::all_of(op->getOperandTypes(), [](Type type) {
    auto buffer = dyn_cast<MemRefType>(type);
    return !buffer || buffer.getLayout().isIdentity();
  });
}

/// Whether dims `dim` and `dim + 1` are neighbours in every operand that has one of them.
bool canMerge(linalg::GenericOp op, unsigned dim) {
  auto iterators = op.getIteratorTypesArray();
  int64_t pair[] = {int64_t(dim), int64_t(dim) + 1};
  return iterators[dim] == iterators[dim + 1] && llvm::all_of(op.getIndexingMapsArray(), [&](AffineMap map) {
           return linalg::isDimSequencePreserved(map, pair);
         });
}

struct CollapseDimsPass : impl::CollapseDimsPassBase<CollapseDimsPass> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : ops)
      collapse(op, rewriter);
  }

  static void collapse(linalg::GenericOp op, IRRewriter &rewriter) {
    bool projected = llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) { return map.isProjectedPermutation(); });
    if (op.getNumLoops() < 2 || !projected || !op.hasPureBufferSemantics() || !isDense(op) || op.hasIndexSemantics())
      return;
    SmallVector<ReassociationIndices> groups = {{0}};
    for (unsigned dim = 1; dim < op.getNumLoops(); ++dim) {
      if (canMerge(op, dim - 1))
        groups.back().push_back(dim);
      else
        groups.push_back({int64_t(dim)});
    }
    if (groups.size() == op.getNumLoops())
      return;
    rewriter.setInsertionPoint(op);
    auto collapsed = linalg::collapseOpIterationDims(op, groups, rewriter);
    if (succeeded(collapsed))
      rewriter.eraseOp(op);
  }
};

} // namespace
} // namespace qopt
