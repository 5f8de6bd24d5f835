// LayerNorm and RMSNorm from means, squares and roots.
#include "RecognizeImpl.h"

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

namespace {
int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// A mean over the last dims, kept as ones: the first of these dims.
std::optional<int64_t> trailingMean(ReduceMeanOp mean) {
  int64_t rank = rankOf(mean.getX());
  ArrayRef<int64_t> axes = mean.getAxes();
  if (!mean.getKeepdims() || axes.empty())
    return std::nullopt;
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  for (auto [i, axis] : llvm::enumerate(sorted))
    if (axis != rank - static_cast<int64_t>(sorted.size()) + static_cast<int64_t>(i))
      return std::nullopt;
  return sorted.front();
}

/// x^2: x, or null.
Value squareOf(Value value) {
  if (auto pow = value.getDefiningOp<PowOp>(); pow && constantScalar(pow.getB()) == 2.0)
    return pow.getA();
  auto mul = value.getDefiningOp<MulOp>();
  return mul && mul.getA() == mul.getB() ? mul.getA() : Value();
}

/// x / sqrt(mean(x^2) + epsilon), also as a product with the reciprocal.
struct RootMeanSquare {
  Value x;
  int64_t axis = 0;
  double epsilon = 0;
};

std::optional<RootMeanSquare> rootMeanSquareOf(Value root, Value x) {
  auto sqrt = root.getDefiningOp<SqrtOp>();
  auto add = sqrt ? sqrt.getX().getDefiningOp<AddOp>() : AddOp();
  if (!add)
    return std::nullopt;
  for (bool swapped : {false, true}) {
    auto mean = (swapped ? add.getB() : add.getA()).getDefiningOp<ReduceMeanOp>();
    auto epsilon = constantScalar(swapped ? add.getA() : add.getB());
    auto axis = mean ? trailingMean(mean) : std::nullopt;
    if (mean && epsilon && axis && squareOf(mean.getX()) == x)
      return RootMeanSquare{x, *axis, *epsilon};
  }
  return std::nullopt;
}

std::optional<RootMeanSquare> normalizedOf(Value value) {
  if (auto div = value.getDefiningOp<DivOp>()) {
    if (auto found = rootMeanSquareOf(div.getB(), div.getA()))
      return found;
    return std::nullopt;
  }
  auto mul = value.getDefiningOp<MulOp>();
  if (!mul)
    return std::nullopt;
  for (bool swapped : {false, true}) {
    Value x = swapped ? mul.getB() : mul.getA(), other = swapped ? mul.getA() : mul.getB();
    Value root;
    if (auto reciprocal = other.getDefiningOp<ReciprocalOp>())
      root = reciprocal.getX();
    else if (auto div = other.getDefiningOp<DivOp>(); div && constantScalar(div.getA()) == 1.0)
      root = div.getB();
    if (root)
      if (auto found = rootMeanSquareOf(root, x))
        return found;
  }
  return std::nullopt;
}

/// The x of x - mean(x) over the same trailing dims.
Value centeredOf(Value value, int64_t axis) {
  auto sub = value.getDefiningOp<SubOp>();
  auto mean = sub ? sub.getB().getDefiningOp<ReduceMeanOp>() : ReduceMeanOp();
  return mean && mean.getX() == sub.getA() && trailingMean(mean) == axis ? sub.getA() : Value();
}

/// Whether `value` has one element for each of x's dims from `axis` on, and no more.
bool coversTrailing(Value value, Value x, int64_t axis) {
  auto own = cast<RankedTensorType>(value.getType()), of = cast<RankedTensorType>(x.getType());
  if (own.getElementType() != of.getElementType() || own.getRank() != of.getRank() - axis)
    return false;
  ArrayRef<int64_t> tail = of.getShape().drop_front(axis);
  return own.hasStaticShape() && own.getShape() == tail;
}

struct RecognizeNorm : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    for (bool swapped : {false, true}) {
      Value normalized = swapped ? op.getB() : op.getA(), scale = swapped ? op.getA() : op.getB();
      auto found = normalizedOf(normalized);
      if (!found || !coversTrailing(scale, found->x, found->axis) || op.getType() != found->x.getType())
        continue;
      auto epsilon = llvm::APFloat(static_cast<float>(found->epsilon));
      if (Value x = centeredOf(found->x, found->axis)) {
        // The bias, if the one user adds it.
        auto add = op->hasOneUse() ? dyn_cast<AddOp>(*op->user_begin()) : AddOp();
        Value bias = add ? (add.getA() == op.getC() ? add.getB() : add.getA()) : Value();
        if (bias && coversTrailing(bias, x, found->axis) && constantValue(bias)) {
          rewriter.setInsertionPoint(add);
          rewriter.replaceOpWithNewOp<LayerNormalizationOp>(add, add.getType(), x, scale, bias, found->axis, epsilon);
          return success();
        }
        rewriter.replaceOpWithNewOp<LayerNormalizationOp>(op, op.getType(), x, scale, Value(), found->axis, epsilon);
        return success();
      }
      rewriter.replaceOpWithNewOp<RMSNormalizationOp>(op, op.getType(), found->x, scale, found->axis, epsilon);
      return success();
    }
    return failure();
  }
};
} // namespace

void nn::addRecognizeNorm(RewritePatternSet &patterns) { patterns.add<RecognizeNorm>(patterns.getContext()); }
