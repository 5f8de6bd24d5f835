#include "LegalizeEpilogue.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;
using namespace qopt;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

Value floatConstant(OpBuilder &b, Location loc, RankedTensorType type, ArrayRef<float> values) {
  return nn::ConstantOp::create(b, loc, makeElements<float>(type, values, "scale"));
}

/// The range of a narrow integer type.
struct Codes {
  double lowest, highest;
};
std::optional<Codes> codesOf(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.getWidth() > 16)
    return std::nullopt;
  double span = std::ldexp(1.0, integer.getWidth());
  return integer.isUnsigned() ? Codes{0, span - 1} : Codes{-span / 2, span / 2 - 1};
}

/// The constant divided by `divisor`, if all quotients are normal numbers or zero.
std::optional<SmallVector<float>> quotients(Value constant, float divisor) {
  FloatElements elements(constantOf(constant));
  if (!elements.valid())
    return std::nullopt;
  SmallVector<float> values;
  for (float value : elements.values())
    values.push_back(value / divisor);
  if (!llvm::all_of(values, [](float v) { return v == 0 || std::isnormal(v); }))
    return std::nullopt;
  return values;
}

/// quantize(x * s [+ c]) with constants: no quotient, and the same rounding as in ONNX Runtime's QLinearConv and QLinearMatMul, whose
/// multiplier is sx * sw / sy. Only where x holds accumulators.
struct OneMultiplier : OpRewritePattern<qir::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(qir::QuantizeOp op, PatternRewriter &rewriter) const override {
    auto sum = op.getX().getDefiningOp<nn::AddOp>();
    auto product = (sum ? sum.getA() : op.getX()).getDefiningOp<nn::MulOp>();
    if (!product || !product->hasOneUse() || !op.getX().hasOneUse() || op.getBlockSize() ||
        !codesOf(typeOf(op.getQ()).getElementType()))
      return failure();
    auto cast = product.getA().getDefiningOp<nn::CastOp>();
    FloatElements outer(constantOf(op.getScale()));
    if (!cast || !typeOf(cast.getX()).getElementType().isSignlessInteger(32) || !outer.valid() || outer.values().size() != 1 ||
        outer.values()[0] == 1.0f)
      return failure();
    // Nothing is made before it is sure to be used: what a failed match leaves behind keeps the rewriting going.
    auto scales = quotients(product.getB(), outer.values()[0]);
    auto rest = sum ? quotients(sum.getB(), outer.values()[0]) : std::optional(SmallVector<float>());
    if (!scales || !rest)
      return failure();
    auto constant = [&](Value like, ArrayRef<float> values) { return floatConstant(rewriter, like.getLoc(), typeOf(like), values); };
    Value codes = nn::MulOp::create(rewriter, product.getLoc(), product.getType(), cast, constant(product.getB(), *scales));
    if (sum)
      codes = nn::AddOp::create(rewriter, sum.getLoc(), sum.getType(), codes, constant(sum.getB(), *rest));
    Value one = floatConstant(rewriter, op.getLoc(), typeOf(op.getScale()), {1.0f});
    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(codes);
      op.getScaleMutable().assign(one);
    });
    return success();
  }
};

/// quantize(relu(x)) and quantize(clip(x)) are quantize(x) where the bounds round to the ends of the codes, which saturate.
struct DropCoveredClip : OpRewritePattern<qir::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(qir::QuantizeOp op, PatternRewriter &rewriter) const override {
    Value x = behindCoveredClip(op);
    if (!x)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(x); });
    return success();
  }
};

} // namespace

std::optional<SmallVector<int32_t>> qopt::int32Elements(Value value) {
  ElementsAttr attr = constantOf(value);
  if (!attr || !attr.getElementType().isSignlessInteger(32))
    return std::nullopt;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != attr.getNumElements() * sizeof(int32_t))
      return std::nullopt;
    return llvm::to_vector(ArrayRef(reinterpret_cast<const int32_t *>(blob->getData().data()), attr.getNumElements()));
  }
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  return dense ? std::optional(llvm::to_vector(dense.getValues<int32_t>())) : std::nullopt;
}

Value qopt::behindCoveredClip(qir::QuantizeOp op) {
  auto codes = codesOf(typeOf(op.getQ()).getElementType());
  auto scale = scalarConstant(op.getScale());
  auto zero = op.getZeroPoint() ? scalarConstant(op.getZeroPoint()) : 0.0;
  if (!codes || !scale || !zero || *scale <= 0 || !typeOf(op.getScale()).getElementType().isF32())
    return {};
  Value x;
  std::optional<double> low, high;
  if (auto relu = op.getX().getDefiningOp<nn::ReluOp>())
    x = relu.getX(), low = 0.0;
  else if (auto clip = op.getX().getDefiningOp<nn::ClipOp>()) {
    x = clip.getX(), low = scalarConstant(clip.getLow()), high = scalarConstant(clip.getHigh());
    if ((clip.getLow() && !low) || (clip.getHigh() && !high) || (low && high && *low > *high))
      return {};
  }
  auto code = [&](double bound) {
    return std::nearbyint(static_cast<float>(bound) / static_cast<float>(*scale)) + static_cast<float>(*zero);
  };
  if (!x || !typeOf(x).getElementType().isF32() || (low && code(*low) > codes->lowest) || (high && code(*high) < codes->highest))
    return {};
  return x;
}

Value qopt::alongAxis(OpBuilder &b, Location loc, Value vector, int64_t axis, int64_t rank) {
  if (typeOf(vector).getRank() == 0 || axis == rank - 1)
    return vector;
  SmallVector<int64_t> shape(rank - axis, 1);
  shape[0] = typeOf(vector).getDimSize(0);
  auto type = RankedTensorType::get(shape, typeOf(vector).getElementType());
  if (FloatElements elements(constantOf(vector)); elements.valid())
    return floatConstant(b, loc, type, elements.values());
  SmallVector<int64_t> axes;
  for (int64_t d = 1; d < static_cast<int64_t>(shape.size()); ++d)
    axes.push_back(d);
  return nn::UnsqueezeOp::create(b, loc, type, vector, b.getDenseI64ArrayAttr(axes));
}

BiasedSum qopt::addIntegerBias(OpBuilder &b, Location loc, Value acc, Value bias, Value scales, ArrayRef<SumRange> sums, int64_t axis) {
  BiasedSum inFloat{acc, bias};
  auto codes = bias.getDefiningOp<qir::DequantizeOp>();
  if (!codes || codes.getBlockSize() || typeOf(bias).getRank() != 1)
    return inFloat;
  auto values = int32Elements(codes.getQ());
  FloatElements own(constantOf(codes.getScale())), wanted(constantOf(scales));
  if (!values || !own.valid() || !wanted.valid())
    return inFloat;
  if (Value zero = codes.getZeroPoint()) {
    auto zeros = int32Elements(zero);
    if (!zeros || llvm::any_of(*zeros, [](int32_t z) { return z != 0; }))
      return inFloat;
  }
  auto at = [](auto array, size_t i) { return array.size() == 1 ? array[0] : array[i]; };
  SmallVector<float> rest(values->size(), 0.0f);
  for (auto [i, value] : llvm::enumerate(*values)) {
    SumRange sum = at(sums, i);
    if (at(own.values(), i) != at(wanted.values(), i))
      return inFloat;
    if (sum.low + value < INT32_MIN || sum.high + value > INT32_MAX)
      rest[i] = static_cast<float>(value) * at(own.values(), i), value = 0;
  }
  int64_t rank = typeOf(acc).getRank();
  SmallVector<int64_t> shape(rank - axis, 1);
  shape[0] = static_cast<int64_t>(values->size());
  auto type = RankedTensorType::get(shape, b.getI32Type());
  Value constant = nn::ConstantOp::create(b, loc, makeElements<int32_t>(type, *values, "bias"));
  bool isWhole = llvm::all_of(rest, [](float r) { return r == 0; });
  return {nn::AddOp::create(b, loc, acc.getType(), acc, constant), isWhole ? Value() : floatConstant(b, loc, typeOf(bias), rest)};
}

void qopt::populateLegalizeEpiloguePatterns(RewritePatternSet &patterns) {
  patterns.add<OneMultiplier, DropCoveredClip>(patterns.getContext());
}
