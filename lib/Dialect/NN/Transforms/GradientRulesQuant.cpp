// Gradients through quantization. Codes carry gradients too, as if they were numbers that can change a little (the straight-through
// estimator): rounding passes them on, saturation does not. Scales that are made from the tensor itself count as given.
#include "GradientImpl.h"

#include "qopt/Dialect/Qopt/IR/Qopt.h"

using namespace mlir;
using namespace qopt::nn;
namespace qir = qopt::qir;

namespace {

/// How many neighbours along each dim of x share a scale; 1: each has its own; 0: a scale dim of one serves all of them.
template <typename Op> SmallVector<int64_t> boxOf(Op op) {
  RankedTensorType x = typeOf(op.getX()), scale = typeOf(op.getScale());
  if (auto box = op.getBlockShape())
    return SmallVector<int64_t>(*box);
  SmallVector<int64_t> box(x.getRank(), 1);
  if (op.getBlockSize()) {
    box[*op.getAxis()] = *op.getBlockSize();
    return box;
  }
  for (auto [dim, count] : llvm::enumerate(box)) {
    bool isChannel = scale.getRank() == 1 && scale.getDimSize(0) != 1 && op.getAxis() == dim;
    bool isOwn = scale.getRank() == x.getRank() && scale.getDimSize(dim) != 1;
    count = isChannel || isOwn;
  }
  return box;
}

/// Sums of neighbours, `count` at a time (the last may be fewer): null where the size is not known.
Value sumBlocks(Value value, int64_t dim, int64_t count, Gradients &g) {
  int64_t size = typeOf(value).getDimSize(dim);
  if (ShapedType::isDynamic(size))
    return {};
  int64_t blocks = (size + count - 1) / count;
  value = g.pad(value, dim, 0, blocks * count - size);
  SmallVector<Size> sizes = sizesOf(value);
  sizes[dim] = blocks;
  sizes.insert(sizes.begin() + dim + 1, count);
  return g.sum(g.reshape(value, sizes), dim + 1, /*keepdims=*/false);
}

/// What all elements that share a scale add to its gradient.
template <typename Op> Value sumByScale(Op op, Value value, Gradients &g) {
  SmallVector<int64_t> whole;
  for (auto [dim, count] : llvm::enumerate(boxOf(op))) {
    if (count == 0)
      whole.push_back(dim);
    else if (count > 1 && !(value = sumBlocks(value, dim, count, g)))
      return {};
  }
  return g.cast(g.reshapeLike(g.sum(value, whole), op.getScale()), typeOf(op.getScale()).getElementType());
}

/// A scale or zero point as floats, in a shape that broadcasts over x: null where blocks lie along a dim of unknown size.
template <typename Op> Value spreadParameter(Op op, Value parameter, Gradients &g) {
  RankedTensorType x = typeOf(op.getX());
  parameter = g.cast(parameter, x.getElementType());
  if (!op.getBlockSize() && !op.getBlockShape()) {
    if (rankOf(parameter) != 1 || !op.getAxis())
      return parameter;
    SmallVector<Size> sizes = sizesOf(parameter);
    sizes.append(x.getRank() - 1 - *op.getAxis(), 1);
    return g.reshape(parameter, sizes);
  }
  for (auto [dim, count] : llvm::enumerate(boxOf(op))) {
    if (count == 1)
      continue;
    if (x.isDynamicDim(dim))
      return {};
    SmallVector<int64_t> block;
    for (int64_t at = 0; at < x.getDimSize(dim); ++at)
      block.push_back(at / count);
    parameter = g.make<GatherOp>(parameter, g.ints(block), dim);
  }
  return parameter;
}

/// Codes less zero points are what a scale of one makes of them.
Value scaleGradient(qir::DequantizeOp op, Gradients &g) {
  RankedTensorType type = typeOf(op.getScale());
  if (!type.hasStaticShape())
    return {};
  Value ones = g.constant(DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), 1.0)));
  Value codes = g.makeAs<qir::DequantizeOp>(typeOf(op.getX()).getElementType(), op.getQ(), ones, op.getZeroPoint(), op.getAxisAttr(),
                                            op.getBlockSizeAttr(), op.getBlockShapeAttr());
  return sumByScale(op, Term(g, g.of(op.getX())) * Term(g, codes), g);
}

void dequantize(qir::DequantizeOp op, Gradients &g) {
  g.to(op.getScale(), [&] { return scaleGradient(op, g); });
  g.to(op.getQ(), [&]() -> Value {
    Value scale = spreadParameter(op, op.getScale(), g);
    return scale ? Term(g, g.of(op.getX())) * Term(g, scale) : Value();
  });
}

/// The least and greatest code as numbers.
std::pair<double, double> rangeOf(Type code) {
  if (auto type = dyn_cast<FloatType>(code)) {
    double top = llvm::APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
    return {-top, top};
  }
  unsigned width = code.getIntOrFloatBitWidth();
  if (code.isUnsignedInteger())
    return {0, std::ldexp(1.0, width) - 1};
  return {-std::ldexp(1.0, width - 1), std::ldexp(1.0, width - 1) - 1};
}

/// x / scale rounds to a code that needs no saturation.
void quantize(qir::QuantizeOp op, Gradients &g) {
  Value scaleValue = spreadParameter(op, op.getScale(), g);
  Value zero = op.getZeroPoint() ? spreadParameter(op, op.getZeroPoint(), g) : Value();
  if (!scaleValue || (op.getZeroPoint() && !zero))
    return;
  Term x(g, op.getX()), scale(g, scaleValue), ratio = x / scale, code = ratio;
  Type type = typeOf(op.getQ()).getElementType();
  if (isa<IntegerType>(type))
    code = code.then<RoundOp>();
  if (zero)
    code = code + Term(g, zero);
  auto [least, greatest] = rangeOf(type);
  auto among = [&](Value condition, Term value) {
    return Term(g, g.makeAs<WhereOp>(typeOf(value).getElementType(), condition, value.value, value.of(0)));
  };
  Term dq(g, g.of(op.getQ()));
  dq = among(g.makeAs<GreaterOrEqualOp>(g.b.getI1Type(), code.value, code.of(least)), dq);
  dq = among(g.makeAs<LessOrEqualOp>(g.b.getI1Type(), code.value, code.of(greatest)), dq);
  g.to(op.getX(), [&] { return dq / scale; });
  g.to(op.getScale(), [&] { return sumByScale(op, -(dq * ratio / scale), g); });
}

} // namespace

void qopt::nn::addQuantGradients(GradientTable &table) {
  table.add<qir::DequantizeOp>(dequantize);
  table.add<qir::QuantizeOp>(quantize);
  table.stop<qir::DynamicScaleOp, qir::DynamicParamsOp>();
}
