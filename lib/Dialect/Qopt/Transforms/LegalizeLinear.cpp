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

/// The bytes of an 8-bit constant; empty for splats and computed values.
ArrayRef<int8_t> bytesOf(Value value) {
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

/// Proves |sum over k (a - za)(w - zw)| <= INT32_MAX: at most `depth` products of an 8-bit difference (255) with a weight. With
/// constant symmetric weights the bound is the greatest column's sum of magnitudes, else 255 a product.
bool accumulatorFits(int64_t depth, Value codes, bool symmetric) {
  int64_t perProduct = 255;
  if (ArrayRef<int8_t> bytes = bytesOf(codes); symmetric && !bytes.empty() && !typeOf(codes).getElementType().isUnsignedInteger()) {
    perProduct = 0;
    for (int8_t byte : bytes)
      perProduct = std::max<int64_t>(perProduct, std::abs(static_cast<int>(byte)));
  }
  return depth >= 0 && depth <= std::numeric_limits<int32_t>::max() / (255 * std::max<int64_t>(perProduct, 1));
}

/// The weight's zero point where it is not plainly zero.
Value zeroPointUnlessZero(qir::DequantizeOp op) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(constantOf(op.getZeroPoint()));
  if (dense && dense.isSplat() && dense.getSplatValue<APInt>().isZero())
    return {};
  return op.getZeroPoint();
}

Value constant(OpBuilder &b, Location loc, RankedTensorType type, ArrayRef<float> values) {
  return nn::ConstantOp::create(b, loc, makeElements<float>(type, values, "scale"));
}

/// `vector` (one element per output channel) as a tensor that broadcasts along dim `axis` of a result of rank `rank`.
Value alongAxis(OpBuilder &b, Location loc, Value vector, int64_t axis, int64_t rank) {
  if (typeOf(vector).getRank() == 0 || axis == rank - 1)
    return vector;
  SmallVector<int64_t> shape(rank - axis, 1);
  shape[0] = typeOf(vector).getDimSize(0);
  auto type = RankedTensorType::get(shape, typeOf(vector).getElementType());
  if (FloatElements elements(constantOf(vector)); elements.valid())
    return constant(b, loc, type, elements.values());
  SmallVector<int64_t> axes;
  for (int64_t d = 1; d < static_cast<int64_t>(shape.size()); ++d)
    axes.push_back(d);
  return nn::UnsqueezeOp::create(b, loc, type, vector, b.getDenseI64ArrayAttr(axes));
}

/// Product of two scales; folded where both are constants (rounded once, in float32, as the kernels would).
Value scaleProduct(OpBuilder &b, Location loc, Value activation, Value weight) {
  FloatElements a(constantOf(activation)), w(constantOf(weight));
  if (!a.valid() || !w.valid() || a.values().size() != 1)
    return {};
  SmallVector<float> product;
  for (float s : w.values())
    product.push_back(a.values()[0] * s);
  return constant(b, loc, typeOf(weight), product);
}

/// acc (i32) → float, times the scales of both factors. `axis` is the result's output channel dim.
Value rescale(OpBuilder &b, Location loc, Value acc, qir::DequantizeOp a, qir::DequantizeOp w, int64_t axis) {
  auto floatType = typeOf(acc).clone(b.getF32Type());
  Value y = nn::CastOp::create(b, loc, floatType, acc);
  int64_t rank = floatType.getRank();
  if (Value both = scaleProduct(b, loc, a.getScale(), w.getScale()))
    return nn::MulOp::create(b, loc, floatType, y, alongAxis(b, loc, both, axis, rank));
  y = nn::MulOp::create(b, loc, floatType, y, a.getScale());
  return nn::MulOp::create(b, loc, floatType, y, alongAxis(b, loc, w.getScale(), axis, rank));
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
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    qir::DequantizeOp a = dequantizeOf(op.getA()), w = dequantizeOf(op.getB());
    if (!a || !w)
      return failure();
    int64_t weightRank = typeOf(op.getB()).getRank();
    if (weightRank < 2 || typeOf(op.getA()).getRank() < 2 || !scalesRows(a) || !scalesChannels(w, weightRank - 1))
      return rewriter.notifyMatchFailure(op, "scales lie inside of the sum");
    int64_t depth = typeOf(op.getB()).getDimSize(weightRank - 2);
    bool depthKnown = !ShapedType::isDynamic(depth);
    if (!depthKnown || !accumulatorFits(depth, w.getQ(), !zeroPointUnlessZero(w)))
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
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::GemmOp op, PatternRewriter &rewriter) const override {
    qir::DequantizeOp a = dequantizeOf(op.getA()), w = dequantizeOf(op.getB());
    if (!a || !w || op.getTransA() || op.getAlpha().convertToFloat() != 1.0f ||
        (op.getC() && op.getBeta().convertToFloat() != 1.0f))
      return failure();
    int64_t outputs = op.getTransB() ? 0 : 1;
    if (!scalesRows(a) || !scalesChannels(w, outputs))
      return rewriter.notifyMatchFailure(op, "scales lie inside of the sum");
    if (!accumulatorFits(typeOf(op.getB()).getDimSize(1 - outputs), w.getQ(), !zeroPointUnlessZero(w)))
      return rewriter.notifyMatchFailure(op, "the int32 accumulator could overflow");
    Value codes = op.getTransB() ? transposed(rewriter, op.getLoc(), w.getQ()) : w.getQ();
    Value acc = qir::IntegerMatMulOp::create(rewriter, op.getLoc(), typeOf(op.getY()).clone(rewriter.getI32Type()), a.getQ(),
                                             codes, zeroPointUnlessZero(a), zeroPointUnlessZero(w));
    Value y = rescale(rewriter, op.getLoc(), acc, a, w, 1);
    if (op.getC())
      y = nn::AddOp::create(rewriter, op.getLoc(), y.getType(), y, op.getC());
    rewriter.replaceOp(op, y);
    return success();
  }
};

struct ConvToInteger : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    qir::DequantizeOp x = dequantizeOf(op.getX()), w = dequantizeOf(op.getW());
    if (!x || !w || !isPerTensor(x))
      return failure();
    int64_t rank = typeOf(op.getW()).getRank();
    bool channelsLast = op.getLayout() == "NXC";
    int64_t outputs = channelsLast ? rank - 1 : 0;
    if (!scalesChannels(w, outputs))
      return rewriter.notifyMatchFailure(op, "scales lie inside of the sum");
    RankedTensorType weight = typeOf(op.getW());
    if (!weight.hasStaticShape() ||
        !accumulatorFits(weight.getNumElements() / std::max<int64_t>(weight.getDimSize(outputs), 1), w.getQ(),
                         !zeroPointUnlessZero(w)))
      return rewriter.notifyMatchFailure(op, "the int32 accumulator could overflow");
    Location loc = op.getLoc();
    Value acc = qir::IntegerConvOp::create(rewriter, loc, typeOf(op.getY()).clone(rewriter.getI32Type()), x.getQ(), w.getQ(),
                                           zeroPointUnlessZero(x), zeroPointUnlessZero(w), op.getStridesAttr(),
                                           op.getDilationsAttr(), op.getPadsAttr(), op.getGroupAttr(), op.getAutoPadAttr(),
                                           op.getLayoutAttr());
    int64_t channel = channelsLast ? rank - 1 : 1;
    Value y = rescale(rewriter, loc, acc, x, w, channel);
    if (op.getB())
      y = nn::AddOp::create(rewriter, loc, y.getType(), y, alongAxis(rewriter, loc, op.getB(), channel, rank));
    rewriter.replaceOp(op, y);
    return success();
  }
};

} // namespace

qir::DequantizeOp qopt::dequantizeOf(Value value) {
  auto op = value.getDefiningOp<qir::DequantizeOp>();
  return op && isCode8(typeOf(op.getQ()).getElementType()) && typeOf(op.getX()).getElementType().isF32() ? op
                                                                                                       : qir::DequantizeOp();
}

bool qopt::isPerTensor(qir::DequantizeOp op) { return typeOf(op.getScale()).getRank() == 0 && !op.getBlockSize(); }

void qopt::populateLegalizeLinearPatterns(RewritePatternSet &patterns) {
  patterns.add<MatMulToInteger, GemmToInteger, ConvToInteger>(patterns.getContext());
}
