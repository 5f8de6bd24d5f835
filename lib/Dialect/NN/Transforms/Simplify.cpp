#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace qopt {
#define GEN_PASS_DEF_NNSIMPLIFY
#include "qopt/Dialect/NN/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

namespace {
/// Replaces `op` by `value` of the same type, or of a less precise one that is refined to it.
LogicalResult replaceBy(Operation *op, Value value, PatternRewriter &rewriter) {
  Type wanted = op->getResult(0).getType();
  if (value.getType() != wanted)
    return failure();
  rewriter.replaceOp(op, value);
  return success();
}

bool isStatic(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape();
}

/// Ops that are their operand when the types are equal and static.
template <typename Op> struct DropSameShape : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    return isStatic(op->getResult(0)) ? replaceBy(op, op->getOperand(0), rewriter) : failure();
  }
};

struct SimplifyTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    if (llvm::all_of(llvm::enumerate(op.getPerm()), [](auto pair) { return static_cast<int64_t>(pair.index()) == pair.value(); }))
      return replaceBy(op, op.getX(), rewriter);
    auto inner = op.getX().getDefiningOp<TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> perm;
    for (int64_t dim : op.getPerm())
      perm.push_back(inner.getPerm()[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getX(), perm);
    return success();
  }
};

/// reshape of reshape: the first shape does not matter, unless the second copies dims from it.
struct SimplifyReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    Operation *inner = op.getData().getDefiningOp();
    auto shape = constantInts(op.getShape(), 64);
    if (!shape || !inner || !isa<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp>(inner) ||
        (!op.getAllowzero() && llvm::is_contained(*shape, 0)))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getDataMutable().assign(inner->getOperand(0)); });
    return success();
  }
};

bool widens(Type from, Type to) {
  if (auto a = dyn_cast<IntegerType>(from))
    if (auto b = dyn_cast<IntegerType>(to))
      return b.getWidth() > a.getWidth() && (a.isUnsigned() || a.getWidth() == 1 || !b.isUnsigned());
  if (auto a = dyn_cast<FloatType>(from))
    if (auto b = dyn_cast<FloatType>(to))
      return b.getFPMantissaWidth() >= a.getFPMantissaWidth() && b.getWidth() > a.getWidth() && a.getWidth() >= 16;
  return false;
}

struct SimplifyCast : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CastOp op, PatternRewriter &rewriter) const override {
    if (op.getX().getType() == op.getType())
      return replaceBy(op, op.getX(), rewriter);
    auto inner = op.getX().getDefiningOp<CastOp>();
    if (!inner)
      return failure();
    auto element = [](Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); };
    Type first = element(inner.getX()), middle = element(inner.getY()), last = element(op.getY());
    if (!widens(first, middle) || isa<IntegerType>(first) != isa<IntegerType>(last) || last.isInteger(1))
      return failure();
    if (first == last)
      return replaceBy(op, inner.getX(), rewriter);
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(inner.getX()); });
    return success();
  }
};

/// x * 1, x + 0, x - 0, x / 1: where the constant does not broadcast x.
template <typename Op> struct DropNeutral : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    constexpr bool isProduct = std::is_same_v<Op, MulOp> || std::is_same_v<Op, DivOp>;
    constexpr bool commutes = std::is_same_v<Op, MulOp> || std::is_same_v<Op, AddOp>;
    // x + 0 turns -0 into 0; no later op tells the two apart but 1 / x.
    double neutral = isProduct ? 1 : 0;
    if (constantScalar(op.getB()) == neutral && succeeded(replaceBy(op, op.getA(), rewriter)))
      return success();
    return commutes && constantScalar(op.getA()) == neutral ? replaceBy(op, op.getB(), rewriter) : failure();
  }
};

struct SimplifyPow : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PowOp op, PatternRewriter &rewriter) const override {
    auto exponent = constantScalar(op.getB());
    if (!exponent || op.getA().getType() != op.getType())
      return failure();
    if (*exponent == 1)
      return replaceBy(op, op.getA(), rewriter);
    if (*exponent == 2)
      return rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), op.getA(), op.getA()), success();
    if (*exponent == 0.5 && isa<FloatType>(cast<RankedTensorType>(op.getType()).getElementType()))
      return rewriter.replaceOpWithNewOp<SqrtOp>(op, op.getType(), op.getA()), success();
    return failure();
  }
};

struct DropConcat : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override {
    if (op.getInputs().size() == 1)
      return replaceBy(op, op.getInputs()[0], rewriter);
    SmallVector<Value> kept; // empty parts add nothing
    for (Value input : op.getInputs())
      if (cast<RankedTensorType>(input.getType()).getDimSize(op.getAxis()) != 0)
        kept.push_back(input);
    if (kept.empty() || kept.size() == op.getInputs().size())
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getInputsMutable().assign(kept); });
    return success();
  }
};

/// A slice from 0 to the largest number keeps everything, whatever the dims.
struct DropSlice : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    auto starts = constantInts(op.getStarts(), 64), ends = constantInts(op.getEnds(), 64);
    if (!starts || !ends || starts->size() != op.getAxes().size() || ends->size() != op.getAxes().size())
      return failure();
    ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getData().getType()).getShape();
    for (auto [axis, step, start, end] : llvm::zip_equal(op.getAxes(), op.getSteps(), *starts, *ends)) {
      int64_t most = ShapedType::isDynamic(shape[axis]) ? int64_t(INT32_MAX) : shape[axis];
      if (step != 1 || start != 0 || end < most)
        return failure();
    }
    return replaceBy(op, op.getData(), rewriter);
  }
};

struct DropPad : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PadOp op, PatternRewriter &rewriter) const override {
    auto pads = constantInts(op.getPads(), 128);
    if (!pads || llvm::any_of(*pads, [](int64_t pad) { return pad != 0; }))
      return failure();
    return replaceBy(op, op.getData(), rewriter);
  }
};

/// clip(relu(x), low, high) with low >= 0.
struct DropReluBeforeClip : OpRewritePattern<ClipOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClipOp op, PatternRewriter &rewriter) const override {
    auto relu = op.getX().getDefiningOp<ReluOp>();
    auto low = op.getLow() ? constantScalar(op.getLow()) : std::nullopt;
    if (!relu || !low || !(*low >= 0))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(relu.getX()); });
    return success();
  }
};

/// Whether all elements of a shape tensor are dims (or constants) of at least 0.
bool isNonNegative(Value value, int depth = 8) {
  if (auto constant = constantInts(value, 64))
    return llvm::all_of(*constant, [](int64_t v) { return v >= 0; });
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return false;
  if (isa<ShapeOp, SizeOp>(op))
    return true;
  if (isa<GatherOp, SliceOp, SqueezeOp, UnsqueezeOp, ReshapeOp>(op))
    return isNonNegative(op->getOperand(0), depth - 1);
  if (auto cast = dyn_cast<CastOp>(op))
    return isa<IntegerType>(cast.getX().getType().getElementType()) && isNonNegative(cast.getX(), depth - 1);
  if (isa<ConcatOp>(op))
    return llvm::all_of(op->getOperands(), [&](Value operand) { return isNonNegative(operand, depth - 1); });
  return false;
}

/// dims == -1, as exporters of `expand` write it: never true.
struct SimplifyEqual : OpRewritePattern<EqualOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(EqualOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    for (auto [x, y] : {std::pair(op.getA(), op.getB()), std::pair(op.getB(), op.getA())}) {
      auto constant = constantInts(y, 64);
      if (!type.hasStaticShape() || !constant || !llvm::all_of(*constant, [](int64_t v) { return v < 0; }) || !isNonNegative(x))
        continue;
      rewriter.replaceOpWithNewOp<ConstantOp>(op, DenseElementsAttr::get(type, false));
      return success();
    }
    return failure();
  }
};

struct SimplifyWhere : OpRewritePattern<WhereOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WhereOp op, PatternRewriter &rewriter) const override {
    auto condition = constantScalar(op.getCondition());
    return condition ? replaceBy(op, *condition != 0 ? op.getX() : op.getY(), rewriter) : failure();
  }
};

struct NNSimplify : qopt::impl::NNSimplifyBase<NNSimplify> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SimplifyTranspose, SimplifyReshape, SimplifyCast, SimplifyPow, DropConcat, DropSlice, DropPad, DropReluBeforeClip,
                 SimplifyEqual, SimplifyWhere, DropNeutral<AddOp>, DropNeutral<SubOp>, DropNeutral<MulOp>, DropNeutral<DivOp>,
                 DropSameShape<ReshapeOp>, DropSameShape<FlattenOp>, DropSameShape<ExpandOp>, DropSameShape<TileOp>>(&getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false);
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};
} // namespace
