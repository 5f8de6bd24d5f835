#include "Activations.h"

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Formats.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Numerics/Quantizers/Scales.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace qopt;

namespace {

/// The greatest code's magnitude; symmetric integers leave the least value out.
float topOf(const OperandSpec &spec) { return static_cast<float>(traits(spec.format).max); }

Value scalar(OpBuilder &b, Location loc, float value) {
  return nn::ConstantOp::create(b, loc, DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), value));
}

/// quantize, then dequantize, with parameters that were made.
Value pairOf(OpBuilder &b, Value value, Type code, Value scale, Value zero, IntegerAttr axis = {}, IntegerAttr block = {}) {
  auto type = cast<RankedTensorType>(value.getType());
  Value q = qir::QuantizeOp::create(b, value.getLoc(), type.clone(code), value, scale, zero, axis, block);
  return qir::DequantizeOp::create(b, value.getLoc(), type, q, scale, zero, axis, block);
}

Value staticInteger(OpBuilder &b, Value value, const OperandSpec &spec, std::pair<double, double> range) {
  const FormatTraits &format = traits(spec.format);
  AffineOptions options;
  options.symmetric = spec.symmetric;
  options.range = intRange(spec.format, /*narrow=*/spec.symmetric && format.isSigned);
  AffineParams params = paramsFromRange(range.first, range.second, options);
  Type code = elementTypeOf(spec.format, b.getContext());
  auto zero = DenseElementsAttr::get(RankedTensorType::get({}, code),
                                     APInt(format.bits, static_cast<uint64_t>(static_cast<int64_t>(params.zeroPoint)), false, true));
  Value scale = scalar(b, value.getLoc(), params.scale);
  return pairOf(b, value, code, scale, nn::ConstantOp::create(b, value.getLoc(), zero));
}

Value staticFloat(OpBuilder &b, Value value, const OperandSpec &spec, std::pair<double, double> range) {
  auto most = static_cast<float>(std::max(std::fabs(range.first), std::fabs(range.second)));
  most = std::min(most, std::numeric_limits<float>::max());
  float scale = most == 0 ? 1 : std::max(most / topOf(spec), std::numeric_limits<float>::min());
  return pairOf(b, value, elementTypeOf(spec.format, b.getContext()), scalar(b, value.getLoc(), scale), Value());
}

Value dynamicPair(OpBuilder &b, Value value, const OperandSpec &spec) {
  Location loc = value.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  Type code = elementTypeOf(spec.format, b.getContext()), f32 = b.getF32Type();
  FloatAttr top = b.getF32FloatAttr(topOf(spec));
  if (spec.granularity == Granularity::Tensor)
    return pairOf(b, value, code, qir::DynamicScaleOp::create(b, loc, RankedTensorType::get({}, f32), value, Value(), top, nullptr, nullptr),
                  Value());
  int64_t last = type.getRank() - 1;
  if (last < 0 || type.isDynamicDim(last))
    return {};
  int64_t size = spec.granularity == Granularity::Group ? spec.groupSize : std::max<int64_t>(type.getDimSize(last), 1);
  SmallVector<int64_t> shape(type.getShape());
  shape[last] = (shape[last] + size - 1) / size;
  auto axis = b.getI64IntegerAttr(last), block = b.getI64IntegerAttr(size);
  Value outer;
  if (spec.doubleScales) { // the greatest block scale is the greatest E4M3
    FloatAttr both = b.getF32FloatAttr(topOf(spec) * static_cast<float>(traits(Format::F8E4M3FN).max));
    outer = qir::DynamicScaleOp::create(b, loc, RankedTensorType::get({}, f32), value, Value(), both, nullptr, nullptr);
  }
  auto scaleType = RankedTensorType::get(shape, spec.scaleFormat ? elementTypeOf(*spec.scaleFormat, b.getContext()) : f32);
  Value scale = qir::DynamicScaleOp::create(b, loc, scaleType, value, outer, top, axis, block);
  if (outer)
    scale = qir::DequantizeOp::create(b, loc, scaleType.clone(f32), scale, outer, Value(), nullptr, nullptr);
  return pairOf(b, value, code, scale, Value(), axis, block);
}

} // namespace

Value qopt::activationPair(OpBuilder &b, Value value, const OperandSpec &spec, std::optional<std::pair<double, double>> range) {
  if (spec.dynamic)
    return dynamicPair(b, value, spec);
  if (!range)
    return {};
  return traits(spec.format).isInteger() ? staticInteger(b, value, spec, *range) : staticFloat(b, value, spec, *range);
}
