//===- Quantize.cpp - quantize, dequantize ------------------------------------------===//
//
// q = saturate(rne(x / s) + zp), x' = (q - zp) * s, elementwise with scale and zero point broadcast.
//
//===----------------------------------------------------------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace qopt;

/// Clamps in the order that turns NaN into the lowest value, then converts.
Value qopt::saturateTo(Scalars &s, Value x, Type compute, IntegerType target) {
  bool isUnsigned = target.isUnsigned();
  unsigned width = target.getWidth();
  double low = isUnsigned ? 0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
  Value lowest = s.constant(compute, low), highest = s.constant(compute, high);
  x = s.select(s.gt(x, lowest), x, lowest);
  x = s.select(s.lt(x, highest), x, highest);
  return s.cast(x, compute, target);
}

namespace {

/// How scale and zero point of a quantize or dequantize are read at an element of x; null where they have no form.
template <typename Op> AffineMap parameterMap(Emitter &e, Op op, Value parameter, int64_t rank) {
  MLIRContext *context = e.b.getContext();
  std::optional<uint64_t> axis = op.getAxis(), block = op.getBlockSize();
  int64_t own = Emitter::rank(parameter);
  bool isBlocked = block || op.getBlockShape();
  if (own == 0 || (own == 1 && e.knownDim(parameter, 0) == 1))
    return AffineMap::get(rank, 0, SmallVector<AffineExpr>(own, getAffineConstantExpr(0, context)), context);
  if (own == 1 && axis && static_cast<int64_t>(*axis) < rank && !(isBlocked && rank == 1))
    return AffineMap::get(rank, 0, getAffineDimExpr(*axis, context), context);
  if (own != rank)
    return {};
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rank; ++i) {
    AffineExpr dim = getAffineDimExpr(i, context);
    if (auto box = op.getBlockShape())
      dim = dim.floorDiv((*box)[i]);
    else if (block && axis && static_cast<int64_t>(*axis) == i)
      dim = dim.floorDiv(*block);
    // Without blocks (per-token scales) a dim of size one serves all of x's.
    else if (!block && e.knownDim(parameter, i) == 1)
      dim = getAffineConstantExpr(0, context);
    exprs.push_back(dim);
  }
  return AffineMap::get(rank, 0, exprs, context);
}

Values lowerQuantize(qir::QuantizeOp op, Emitter &e) {
  Value x = op.getX(), scale = op.getScale(), zero = op.getZeroPoint();
  Type xElement = Emitter::elementType(x), scaleElement = Emitter::elementType(scale);
  Type target = Emitter::elementType(op.getQ()), compute = computeElementType(scaleElement);
  int64_t rank = Emitter::rank(x);
  MLIRContext *context = e.b.getContext();
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(rank, context)};
  Values inputs = {e[x], e[scale]};
  maps.push_back(parameterMap(e, op, scale, rank));
  if (zero) {
    inputs.push_back(e[zero]);
    maps.push_back(parameterMap(e, op, zero, rank));
  }
  if (llvm::is_contained(maps, AffineMap()) || !isa<FloatType>(compute))
    return {};
  Type zeroElement = zero ? Emitter::elementType(zero) : Type();
  return {e.map(e.stored(op.getQ()), e.dims(x), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value value = s.cast(s.decode(v[0], xElement), xElement, compute);
    Value divisor = s.decode(v[1], scaleElement), ratio = s.div(value, divisor);
    auto integer = dyn_cast<IntegerType>(target);
    if (!integer) { // A block of zeros, or one that holds a NaN: code zero.
      Value zeroScale = s.constant(compute, 0), usable = s.make<arith::CmpFOp>(arith::CmpFPredicate::ONE, divisor, zeroScale);
      ratio = s.select(usable, ratio, zeroScale);
    }
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
  maps.push_back(parameterMap(e, op, scale, rank));
  if (zero) {
    inputs.push_back(e[zero]);
    maps.push_back(parameterMap(e, op, zero, rank));
  }
  if (llvm::is_contained(maps, AffineMap()))
    return {};
  // The difference of two 32-bit integers needs 33 bits.
  Type wide = e.b.getIntegerType(isa<IntegerType>(from) && from.getIntOrFloatBitWidth() >= 32 ? 64 : 32);
  return {e.map(e.stored(op.getX()), e.dims(q), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value x = s.decode(v[0], from);
    bool wholeZero = zero && isa<IntegerType>(Emitter::elementType(zero));
    if (isa<IntegerType>(from) && wholeZero)
      x = s.cast(s.sub(s.cast(x, from, wide), s.cast(v[2], Emitter::elementType(zero), wide)), wide, compute);
    else
      x = s.cast(x, from, compute);
    if (zero && !(isa<IntegerType>(from) && wholeZero)) {
      Type zeroElement = Emitter::elementType(zero);
      x = s.sub(x, s.cast(s.decode(v[2], zeroElement), zeroElement, compute));
    }
    return s.encode(s.cast(s.mul(x, s.decode(v[1], scaleElement)), compute, target), target);
  })};
}

} // namespace

void qopt::addQuantizeLowerings(LoweringTable &table) {
  table.add<qir::QuantizeOp>(lowerQuantize);
  table.add<qir::DequantizeOp>(lowerDequantize);
}
