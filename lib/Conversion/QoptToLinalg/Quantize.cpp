//===- Quantize.cpp - quantize, dequantize, dynamic_params --------------------------===//
//
// q = saturate(rne(x / s) + zp), x' = (q - zp) * s, elementwise with scale and zero point broadcast.
//
//===----------------------------------------------------------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace qopt;

namespace {

/// How scale and zero point are read at an element of x.
AffineMap parameterMap(Emitter &e, Value parameter, int64_t rank, std::optional<uint64_t> axis,
                       std::optional<uint64_t> block) {
  MLIRContext *context = e.b.getContext();
  int64_t own = Emitter::rank(parameter);
  if (own == 0 || (own == 1 && e.knownDim(parameter, 0) == 1))
    return AffineMap::get(rank, 0, SmallVector<AffineExpr>(own, getAffineConstantExpr(0, context)), context);
  if (own == 1 && axis && static_cast<int64_t>(*axis) < rank && !(block && rank == 1))
    return AffineMap::get(rank, 0, getAffineDimExpr(*axis, context), context);
  if (own != rank)
    return {};
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rank; ++i) {
    AffineExpr dim = getAffineDimExpr(i, context);
    bool isBlocked = axis && block && static_cast<int64_t>(*axis) == i;
    // Without blocks (per-token scales) a dim of size one serves all of x's.
    if (!isBlocked && !block && e.knownDim(parameter, i) == 1)
      dim = getAffineConstantExpr(0, context);
    exprs.push_back(isBlocked ? dim.floorDiv(*block) : dim);
  }
  return AffineMap::get(rank, 0, exprs, context);
}

/// Clamps in the order that turns NaN into the lowest value, then converts.
Value saturateTo(Scalars &s, Value x, Type compute, IntegerType target) {
  bool isUnsigned = target.isUnsigned();
  unsigned width = target.getWidth();
  double low = isUnsigned ? 0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
  Value lowest = s.constant(compute, low), highest = s.constant(compute, high);
  x = s.select(s.gt(x, lowest), x, lowest);
  x = s.select(s.lt(x, highest), x, highest);
  return s.cast(x, compute, target);
}

Values lowerQuantize(qir::QuantizeOp op, Emitter &e) {
  Value x = op.getX(), scale = op.getScale(), zero = op.getZeroPoint();
  Type xElement = Emitter::elementType(x), scaleElement = Emitter::elementType(scale);
  Type target = Emitter::elementType(op.getQ()), compute = computeElementType(scaleElement);
  int64_t rank = Emitter::rank(x);
  MLIRContext *context = e.b.getContext();
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(rank, context)};
  Values inputs = {e[x], e[scale]};
  maps.push_back(parameterMap(e, scale, rank, op.getAxis(), op.getBlockSize()));
  if (zero) {
    inputs.push_back(e[zero]);
    maps.push_back(parameterMap(e, zero, rank, op.getAxis(), op.getBlockSize()));
  }
  if (llvm::is_contained(maps, AffineMap()) || !isa<FloatType>(compute))
    return {};
  Type zeroElement = zero ? Emitter::elementType(zero) : Type();
  return {e.map(e.stored(op.getQ()), e.dims(x), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value value = s.cast(s.decode(v[0], xElement), xElement, compute);
    Value ratio = s.div(value, s.decode(v[1], scaleElement));
    auto integer = dyn_cast<IntegerType>(target);
    if (integer)
      ratio = s.make<math::RoundEvenOp>(ratio);
    if (zero)
      ratio = s.add(ratio, s.cast(s.decode(v[2], zeroElement), zeroElement, compute));
    if (integer)
      return s.encode(saturateTo(s, ratio, compute, integer), target);
    return s.encode(s.cast(ratio, compute, target), target, op.getSaturate());
  })};
}

Values lowerDequantize(qir::DequantizeOp op, Emitter &e) {
  Value q = op.getQ(), scale = op.getScale(), zero = op.getZeroPoint();
  Type from = Emitter::elementType(q), scaleElement = Emitter::elementType(scale);
  Type target = Emitter::elementType(op.getX()), compute = computeElementType(scaleElement);
  int64_t rank = Emitter::rank(q);
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(rank, e.b.getContext())};
  Values inputs = {e[q], e[scale]};
  maps.push_back(parameterMap(e, scale, rank, op.getAxis(), op.getBlockSize()));
  if (zero) {
    inputs.push_back(e[zero]);
    maps.push_back(parameterMap(e, zero, rank, op.getAxis(), op.getBlockSize()));
  }
  if (llvm::is_contained(maps, AffineMap()))
    return {};
  // The difference of two 32-bit integers needs 33 bits.
  Type wide = e.b.getIntegerType(isa<IntegerType>(from) && from.getIntOrFloatBitWidth() >= 32 ? 64 : 32);
  return {e.map(e.stored(op.getX()), e.dims(q), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value x = s.decode(v[0], from);
    if (isa<IntegerType>(from) && zero)
      x = s.cast(s.sub(s.cast(x, from, wide), s.cast(v[2], Emitter::elementType(zero), wide)), wide, compute);
    else
      x = s.cast(x, from, compute);
    if (zero && !isa<IntegerType>(from)) {
      Type zeroElement = Emitter::elementType(zero);
      x = s.sub(x, s.cast(s.decode(v[2], zeroElement), zeroElement, compute));
    }
    return s.encode(s.cast(s.mul(x, s.decode(v[1], scaleElement)), compute, target), target);
  })};
}

/// Symmetric: max|x| / 127 per token.
Values lowerTokenParams(qir::DynamicParamsOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), compute = computeElementType(element);
  Value x = e[op.getX()];
  int64_t axis = *op.getTokenAxis();
  Value magnitudes = e.reduce(x, {axis}, e.constant(compute, 0), compute, [&](Scalars &s, ValueRange v) {
    return s.max(v[1], s.make<math::AbsFOp>(s.decode(v[0], element)));
  });
  Type scaleElement = Emitter::elementType(op.getScale());
  Value scales = e.map(Emitter::type(magnitudes).clone(e.stored(op.getScale()).getElementType()), e.dimsOf(magnitudes),
                       magnitudes, [&](Scalars &s, ValueRange v) {
                         Value scale = s.div(v[0], s.constant(compute, 127));
                         scale = s.select(s.eq(v[0], s.constant(compute, 0)), s.constant(compute, 1), scale);
                         return s.encode(s.cast(scale, compute, scaleElement), scaleElement);
                       });
  SymbolicDims from(e.shapes.dims(op.getX())), to(from);
  from.erase(from.begin() + axis);
  to[axis] = SymbolicDim::constant(1);
  Values dims = e.dims(op.getX());
  dims[axis] = e.index(1);
  Value scale = e.reshape(scales, from, e.stored(op.getScale()), to, dims);
  RankedTensorType zeroType = e.stored(op.getZeroPoint());
  return {scale, e.filled(zeroType, Values(zeroType.getRank(), e.index(1)), e.constantInt(zeroType.getElementType(), 0))};
}

/// ONNX's DynamicQuantizeLinear: the range with zero in it over 255 steps.
Values lowerDynamicParams(qir::DynamicParamsOp op, Emitter &e) {
  if (op.getTokenAxis())
    return lowerTokenParams(op, e);
  Type element = Emitter::elementType(op.getX()), compute = computeElementType(element);
  Value x = e[op.getX()];
  SmallVector<int64_t> all(llvm::to_vector(llvm::seq<int64_t>(0, Emitter::rank(x))));
  Value zero = e.constant(compute, 0);
  auto extreme = [&](bool isMax) {
    Value found = e.reduce(x, all, zero, compute, [&](Scalars &s, ValueRange v) {
      Value y = s.decode(v[0], element);
      return isMax ? s.max(v[1], y) : s.min(v[1], y);
    });
    return e.extract(found, {});
  };
  Value high = extreme(true), low = extreme(false);
  Value scale = e.div(e.sub(high, low), e.constant(compute, 255));
  scale = e.select(e.eq(scale, zero), e.constant(compute, 1), scale);
  Value point = e.make<math::RoundEvenOp>(e.div(e.sub(zero, low), scale));
  Type zeroElement = Emitter::elementType(op.getZeroPoint()), scaleElement = Emitter::elementType(op.getScale());
  Value quantized = saturateTo(e, point, compute, cast<IntegerType>(zeroElement));
  return {e.implode(e.stored(op.getScale()), e.encode(e.cast(scale, compute, scaleElement), scaleElement)),
          e.implode(e.stored(op.getZeroPoint()), quantized)};
}

} // namespace

void qopt::addQuantizeLowerings(LoweringTable &table) {
  table.add<qir::QuantizeOp>(lowerQuantize);
  table.add<qir::DequantizeOp>(lowerDequantize);
  table.add<qir::DynamicParamsOp>(lowerDynamicParams);
}
