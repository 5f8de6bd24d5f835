#include "LegalizeEpilogue.h"
#include "LegalizeLinear.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace qopt;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool isCode8(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() == 8;
}

/// The greatest |sum over k (a - za)(w - zw)|: `depth` products of an 8-bit difference (255) with a weight. With constant symmetric
/// weights that is the greatest magnitude among them, else 255.
int64_t accumulatorBound(int64_t depth, Value codes, bool symmetric) {
  int64_t perProduct = 255;
  if (ArrayRef<int8_t> bytes = bytesOf(codes); symmetric && !bytes.empty() && !typeOf(codes).getElementType().isUnsignedInteger()) {
    perProduct = 1;
    for (int8_t byte : bytes)
      perProduct = std::max<int64_t>(perProduct, std::abs(static_cast<int>(byte)));
  }
  constexpr int64_t tooDeep = std::numeric_limits<int32_t>::max();
  return depth < 0 || depth > tooDeep ? std::numeric_limits<int64_t>::max() : depth * 255 * perProduct;
}

bool accumulatorFits(int64_t bound) { return bound <= std::numeric_limits<int32_t>::max(); }

/// The weight's zero point where it is not plainly zero.
Value zeroPointUnlessZero(qir::DequantizeOp op) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(constantOf(op.getZeroPoint()));
  if (dense && dense.isSplat() && dense.getSplatValue<APInt>().isZero())
    return {};
  return op.getZeroPoint();
}

/// What the sums of each output channel can be: exact for symmetric constant weights [.., channel at `axis`, ..] and a constant zero
/// point of the activation, else one range from the `bound`.
SmallVector<SumRange> sumRanges(qir::DequantizeOp a, qir::DequantizeOp w, int64_t axis, int64_t bound) {
  ArrayRef<int8_t> bytes = bytesOf(w.getQ());
  RankedTensorType type = typeOf(w.getQ());
  auto zero = a.getZeroPoint() ? scalarConstant(a.getZeroPoint()) : 0.0;
  if (bytes.empty() || !zero || zeroPointUnlessZero(w) || type.getElementType().isUnsignedInteger())
    return {{-bound, bound}};
  int64_t lowest = (typeOf(a.getQ()).getElementType().isUnsignedInteger() ? 0 : -128) - static_cast<int64_t>(*zero);
  int64_t channels = type.getDimSize(axis), inner = 1;
  for (int64_t dim : type.getShape().drop_front(axis + 1))
    inner *= dim;
  SmallVector<SumRange> sums(channels, {0, 0});
  for (size_t i = 0; i < bytes.size(); ++i) {
    SumRange &sum = sums[i / inner % channels];
    int64_t x = bytes[i] * lowest, y = bytes[i] * (lowest + 255);
    sum.low += std::min(x, y);
    sum.high += std::max(x, y);
  }
  return sums;
}

/// acc (i32) → float, times the scales of both factors, plus the bias: in integers where it is quantized so and `sums` allow it. `axis`
/// is the result's output channel dim.
Value rescale(OpBuilder &b, Location loc, Value acc, qir::DequantizeOp a, qir::DequantizeOp w, int64_t axis, Value bias = {},
              ArrayRef<SumRange> sums = {}) {
  auto floatType = typeOf(acc).clone(b.getF32Type());
  int64_t rank = floatType.getRank();
  Value both = scaleProduct(b, loc, a.getScale(), w.getScale());
  if (both && bias) {
    BiasedSum sum = addIntegerBias(b, loc, acc, bias, both, sums, axis);
    acc = sum.acc, bias = sum.rest;
  }
  Value y = nn::CastOp::create(b, loc, floatType, acc);
  if (both)
    y = nn::MulOp::create(b, loc, floatType, y, alongAxis(b, loc, both, axis, rank));
  else {
    y = nn::MulOp::create(b, loc, floatType, y, a.getScale());
    y = nn::MulOp::create(b, loc, floatType, y, alongAxis(b, loc, w.getScale(), axis, rank));
  }
  return bias ? nn::AddOp::create(b, loc, floatType, y, alongAxis(b, loc, bias, axis, rank)) : y;
}

/// Scales of the activation that stand outside of the sum: one for the tensor, or one per row (all of the last dim).
bool scalesRows(qir::DequantizeOp a) {
  if (isPerTensor(a))
    return true;
  RankedTensorType type = typeOf(a.getQ());
  int64_t last = type.getRank() - 1;
  return a.getAxis() && a.getBlockSize() && static_cast<int64_t>(*a.getAxis()) == last && !type.isDynamicDim(last) &&
         static_cast<int64_t>(*a.getBlockSize()) >= type.getDimSize(last) && !a.getZeroPoint();
}

/// Scales of the weight that stand outside of the sum: one for the tensor, or one per output channel.
bool scalesChannels(qir::DequantizeOp w, int64_t axis) {
  return isPerTensor(w) || (!w.getBlockSize() && w.getAxis() && static_cast<int64_t>(*w.getAxis()) == axis);
}

struct MatMulToInteger : OpRewritePattern<nn::MatMulOp> {
  MatMulToInteger(MLIRContext *context, bool dynamicOnly) : OpRewritePattern(context), dynamicOnly(dynamicOnly) {}
  bool dynamicOnly;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    qir::DequantizeOp a = dequantizeOf(op.getA()), w = dequantizeOf(op.getB());
    if (!a || !w || (dynamicOnly && constantOf(a.getScale())))
      return failure();
    int64_t weightRank = typeOf(op.getB()).getRank();
    if (weightRank < 2 || typeOf(op.getA()).getRank() < 2 || !scalesRows(a) || !scalesChannels(w, weightRank - 1))
      return rewriter.notifyMatchFailure(op, "scales lie inside of the sum");
    int64_t depth = typeOf(op.getB()).getDimSize(weightRank - 2);
    bool depthKnown = !ShapedType::isDynamic(depth);
    if (!depthKnown || !accumulatorFits(accumulatorBound(depth, w.getQ(), !zeroPointUnlessZero(w))))
      if (depthKnown || constantOf(w.getQ()))
        return rewriter.notifyMatchFailure(op, "the int32 accumulator could overflow");
    Value acc = qir::IntegerMatMulOp::create(rewriter, op.getLoc(), typeOf(op.getY()).clone(rewriter.getI32Type()), a.getQ(),
                                             w.getQ(), zeroPointUnlessZero(a), zeroPointUnlessZero(w));
    rewriter.replaceOp(op, rescale(rewriter, op.getLoc(), acc, a, w, typeOf(op.getY()).getRank() - 1));
    return success();
  }
};

/// A weight of codes with its two dims swapped: constants at once.
Value transposed(PatternRewriter &rewriter, Location loc, Value codes) {
  RankedTensorType type = typeOf(codes);
  int64_t rows = type.getDimSize(0), cols = type.getDimSize(1);
  auto swapped = RankedTensorType::get({cols, rows}, type.getElementType());
  ArrayRef<int8_t> bytes = bytesOf(codes);
  if (bytes.empty())
    return nn::TransposeOp::create(rewriter, loc, swapped, codes, rewriter.getDenseI64ArrayAttr({1, 0}));
  std::vector<int8_t> out(bytes.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      out[c * rows + r] = bytes[r * cols + c];
  return nn::ConstantOp::create(rewriter, loc, makeElements<int8_t>(swapped, out, "w8t"));
}

/// alpha 1, beta 1 (or no C), A as it is: a matrix product and an addition.
struct GemmToInteger : OpRewritePattern<nn::GemmOp> {
  GemmToInteger(MLIRContext *context, bool dynamicOnly) : OpRewritePattern(context), dynamicOnly(dynamicOnly) {}
  bool dynamicOnly;

  LogicalResult matchAndRewrite(nn::GemmOp op, PatternRewriter &rewriter) const override {
    auto form = integerForm(op);
    if (!form || (dynamicOnly && constantOf(form->activation.getScale())))
      return rewriter.notifyMatchFailure(op, "no integer form fits");
    auto [a, w, outputs, sums] = *form;
    Value codes = op.getTransB() ? transposed(rewriter, op.getLoc(), w.getQ()) : w.getQ();
    Value acc = qir::IntegerMatMulOp::create(rewriter, op.getLoc(), typeOf(op.getY()).clone(rewriter.getI32Type()), a.getQ(),
                                             codes, zeroPointUnlessZero(a), zeroPointUnlessZero(w));
    // A bias that is no vector broadcasts in float, as it stands.
    bool isVector = op.getC() && typeOf(op.getC()).getRank() == 1;
    Value y = rescale(rewriter, op.getLoc(), acc, a, w, 1, isVector ? op.getC() : Value(), sums);
    if (op.getC() && !isVector)
      y = nn::AddOp::create(rewriter, op.getLoc(), y.getType(), y, op.getC());
    rewriter.replaceOp(op, y);
    return success();
  }
};

struct ConvToInteger : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    auto form = integerForm(op);
    if (!form)
      return rewriter.notifyMatchFailure(op, "no integer form fits");
    auto [x, w, outputs, sums] = *form;
    Location loc = op.getLoc();
    Value acc = qir::IntegerConvOp::create(rewriter, loc, typeOf(op.getY()).clone(rewriter.getI32Type()), x.getQ(), w.getQ(),
                                           zeroPointUnlessZero(x), zeroPointUnlessZero(w), op.getStridesAttr(),
                                           op.getDilationsAttr(), op.getPadsAttr(), op.getGroupAttr(), op.getAutoPadAttr(),
                                           op.getLayoutAttr());
    int64_t channel = op.getLayout() == "NXC" ? typeOf(op.getY()).getRank() - 1 : 1;
    rewriter.replaceOp(op, rescale(rewriter, loc, acc, x, w, channel, op.getB(), sums));
    return success();
  }
};

} // namespace

qir::DequantizeOp qopt::dequantizeOf(Value value) {
  auto op = value.getDefiningOp<qir::DequantizeOp>();
  bool isInteger = op && isCode8(typeOf(op.getQ()).getElementType()) && typeOf(op.getX()).getElementType().isF32() &&
                   (!op.getZeroPoint() || isCode8(typeOf(op.getZeroPoint()).getElementType()));
  return isInteger ? op : qir::DequantizeOp();
}

Value qopt::scaleProduct(OpBuilder &b, Location loc, Value activation, Value weight) {
  FloatElements a(constantOf(activation)), w(constantOf(weight));
  if (!a.valid() || !w.valid() || a.values().size() != 1)
    return {};
  SmallVector<float> product;
  for (float s : w.values())
    product.push_back(a.values()[0] * s);
  return nn::ConstantOp::create(b, loc, makeElements<float>(typeOf(weight), product, "scale"));
}

std::optional<IntegerForm> qopt::integerForm(nn::GemmOp op) {
  qir::DequantizeOp a = dequantizeOf(op.getA()), w = dequantizeOf(op.getB());
  if (!a || !w || op.getTransA() || op.getAlpha().convertToFloat() != 1.0f ||
      (op.getC() && op.getBeta().convertToFloat() != 1.0f))
    return std::nullopt;
  int64_t outputs = op.getTransB() ? 0 : 1;
  int64_t bound = accumulatorBound(typeOf(op.getB()).getDimSize(1 - outputs), w.getQ(), !zeroPointUnlessZero(w));
  if (!scalesRows(a) || !scalesChannels(w, outputs) || !accumulatorFits(bound))
    return std::nullopt;
  return IntegerForm{a, w, outputs, sumRanges(a, w, outputs, bound)};
}

std::optional<IntegerForm> qopt::integerForm(nn::ConvOp op) {
  qir::DequantizeOp x = dequantizeOf(op.getX()), w = dequantizeOf(op.getW());
  if (!x || !w || !isPerTensor(x))
    return std::nullopt;
  RankedTensorType weight = typeOf(op.getW());
  int64_t outputs = op.getLayout() == "NXC" ? weight.getRank() - 1 : 0;
  int64_t depth = weight.hasStaticShape() ? weight.getNumElements() / std::max<int64_t>(weight.getDimSize(outputs), 1) : -1;
  int64_t bound = accumulatorBound(depth, w.getQ(), !zeroPointUnlessZero(w));
  if (!scalesChannels(w, outputs) || !accumulatorFits(bound))
    return std::nullopt;
  return IntegerForm{x, w, outputs, sumRanges(x, w, outputs, bound)};
}

ArrayRef<int8_t> qopt::bytesOf(Value value) {
  ElementsAttr attr = constantOf(value);
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? ArrayRef(reinterpret_cast<const int8_t *>(blob->getData().data()), blob->getData().size())
                : ArrayRef<int8_t>();
  }
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
  if (!dense || dense.isSplat())
    return {};
  return {reinterpret_cast<const int8_t *>(dense.getRawData().data()), dense.getRawData().size()};
}

bool qopt::isPerTensor(qir::DequantizeOp op) { return typeOf(op.getScale()).getRank() == 0 && !op.getBlockSize(); }

void qopt::populateLegalizeLinearPatterns(RewritePatternSet &patterns) {
  patterns.add<MatMulToInteger, GemmToInteger>(patterns.getContext(), /*dynamicOnly=*/false);
  patterns.add<ConvToInteger>(patterns.getContext());
}

void qopt::populateDynamicProductPatterns(RewritePatternSet &patterns) {
  patterns.add<MatMulToInteger, GemmToInteger>(patterns.getContext(), /*dynamicOnly=*/true);
}
