#include "LoopOrder.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace qopt::cpu {

namespace {

constexpr int64_t shortReduction = 64;

/// The step in elements between neighbours along iteration dim `dim`: 0, 1, or 2 for more than one.
int strideClass(AffineMap map, MemRefType type, unsigned dim) {
  int result = 0;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return 2;
  for (auto [expr, stride] : llvm::zip(map.getResults(), strides)) {
    if (!expr.isFunctionOfDim(dim))
      continue;
    bool plain = expr == getAffineDimExpr(dim, map.getContext()) || !isa<AffineBinaryOpExpr>(expr) ||
                 expr.getKind() == AffineExprKind::Add;
    int step = stride == 1 && plain ? 1 : 2;
    result = result ? 2 : step;
  }
  return result;
}

/// How well `dim` does as the innermost loop.
int score(linalg::GenericOp op, unsigned dim) {
  int total = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    bool written = op.isDpsInit(&operand);
    switch (strideClass(op.getMatchingIndexingMap(&operand), type, dim)) {
    case 0:
      total += 1;
      break;
    case 1:
      total += 2;
      break;
    default:
      total -= written ? 4 : 3;
    }
  }
  return total;
}

std::optional<int64_t> product(ArrayRef<int64_t> sizes, ArrayRef<unsigned> dims) {
  int64_t result = 1;
  for (unsigned dim : dims) {
    if (ShapedType::isDynamic(sizes[dim]))
      return std::nullopt;
    result *= sizes[dim];
  }
  return result;
}

/// The best dim to stand innermost; of equals the last.
unsigned best(linalg::GenericOp op, ArrayRef<unsigned> dims, ArrayRef<int64_t> sizes) {
  unsigned found = dims.back();
  int most = INT_MIN;
  for (unsigned dim : dims) {
    int points = score(op, dim) - (sizes[dim] == 1 ? 100 : 0);
    if (points >= most)
      found = dim, most = points;
  }
  return found;
}

void moveLast(SmallVectorImpl<unsigned> &dims, unsigned dim) {
  llvm::erase(dims, dim);
  dims.push_back(dim);
}

} // namespace

LoopOrder chooseLoopOrder(linalg::GenericOp op) {
  SmallVector<unsigned> parallel, reductions;
  for (auto [dim, type] : llvm::enumerate(op.getIteratorTypesArray()))
    (type == utils::IteratorType::parallel ? parallel : reductions).push_back(dim);
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  LoopOrder order;
  auto reductionSize = product(sizes, reductions);
  bool isShort = !reductions.empty() && reductionSize && *reductionSize <= shortReduction && !parallel.empty();
  bool reduceInside = isShort;
  if (!reductions.empty() && !isShort) {
    SmallVector<unsigned> all = llvm::to_vector(llvm::concat<unsigned>(parallel, reductions));
    unsigned innermost = best(op, all, sizes);
    reduceInside = llvm::is_contained(reductions, innermost);
    if (reduceInside)
      moveLast(reductions, innermost);
  }
  if (!parallel.empty() && (reductions.empty() || isShort || !reduceInside))
    moveLast(parallel, best(op, parallel, sizes));

  if (reductions.empty() || reduceInside) {
    order.dims = llvm::to_vector(llvm::concat<unsigned>(parallel, reductions));
    order.inRegisters = reductions.size();
  } else {
    order.dims.assign(parallel.begin(), parallel.end() - 1);
    order.dims.append(reductions);
    order.dims.push_back(parallel.back());
  }
  // The innermost parallel loop is left to vectors unless it is the only one.
  unsigned outer = parallel.size();
  if (outer > 1 && (reductions.empty() || isShort || !reduceInside))
    outer = outer <= 3 ? outer - 1 : outer - 2;
  order.parallel = reduceInside || reductions.empty() ? outer : std::min<unsigned>(outer, parallel.size() - 1);
  return order;
}

int64_t bodyCost(linalg::GenericOp op) {
  int64_t cost = 1;
  for (Operation &inner : *op.getBody())
    if (isa_and_nonnull<math::MathDialect>(inner.getDialect()))
      cost += 8;
    else
      cost += 1;
  return cost;
}

} // namespace qopt::cpu
