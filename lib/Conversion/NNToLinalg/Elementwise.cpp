#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace qopt;

namespace {
bool isFloat(Value x) { return isa<FloatType>(x.getType()); }

Value power(nn::PowOp op, Scalars &s, Value a, Value b) {
  Type from = Emitter::elementType(op.getA()), exponent = Emitter::elementType(op.getB());
  if (!isFloat(a)) { // Integers by way of f64: exact up to 2^53.
    Value x = s.cast(a, from, s.b.getF64Type()), y = s.cast(b, exponent, s.b.getF64Type());
    return s.cast(s.make<math::PowFOp>(x, y), s.b.getF64Type(), from);
  }
  double constant = 0;
  Attribute splat = Emitter::splatConstant(op.getB());
  if (auto value = dyn_cast_or_null<FloatAttr>(splat))
    constant = value.getValueAsDouble();
  else if (auto value = dyn_cast_or_null<IntegerAttr>(splat))
    constant = value.getValue().getSExtValue();
  if (constant == 1)
    return a;
  if (constant == 2)
    return s.mul(a, a);
  if (constant == 3)
    return s.mul(s.mul(a, a), a);
  return s.make<math::PowFOp>(a, s.cast(b, exponent, a.getType()));
}

Value modulo(nn::ModOp op, Scalars &s, Value a, Value b) {
  bool isUnsigned = isUnsignedElement(Emitter::elementType(op.getA()));
  Value remainder = s.rem(a, b, isUnsigned);
  if (op.getFmod() || isUnsigned)
    return remainder;
  Value zero = s.constant(a.getType(), 0);
  Value differs = s.make<arith::XOrIOp>(s.lt(remainder, zero), s.lt(b, zero));
  return s.select(s.land(s.ne(remainder, zero), differs), s.add(remainder, b), remainder);
}

Value shift(nn::BitShiftOp op, Scalars &s, Value a, Value b) {
  // A shift by the width or more, taken as unsigned, leaves the sign alone (right) or nothing.
  bool isLeft = op.getDirection() == "LEFT", isUnsigned = isUnsignedElement(Emitter::elementType(op.getA()));
  Value width = s.constantInt(b.getType(), b.getType().getIntOrFloatBitWidth()), zero = s.constantInt(b.getType(), 0);
  Value fits = s.lt(b, width, true);
  if (!isLeft && !isUnsigned)
    return s.make<arith::ShRSIOp>(a, s.select(fits, b, s.sub(width, s.constantInt(b.getType(), 1))));
  Value safe = s.select(fits, b, zero);
  Value shifted = isLeft ? s.make<arith::ShLIOp>(a, safe) : s.make<arith::ShRUIOp>(a, safe);
  return s.select(fits, shifted, zero);
}

Value clip(nn::ClipOp op, Scalars &s, ValueRange x) {
  bool isUnsigned = isUnsignedElement(Emitter::elementType(op.getX()));
  Value y = x[0];
  unsigned next = 1;
  if (op.getLow())
    y = s.max(y, x[next++], isUnsigned);
  if (op.getHigh())
    y = s.min(y, x[next], isUnsigned);
  return y;
}

Value signOf(Scalars &s, Value x, bool isUnsigned) {
  Value zero = s.constant(x.getType(), 0), one = s.constant(x.getType(), 1);
  Value positive = s.select(s.gt(x, zero, isUnsigned), one, zero);
  if (isUnsigned)
    return positive;
  Value result = s.select(s.lt(x, zero), s.constant(x.getType(), -1), positive);
  return isFloat(x) ? s.select(s.ne(x, x), x, result) : result;
}

Value absolute(Scalars &s, Value x, bool isUnsigned) {
  if (isFloat(x))
    return s.make<math::AbsFOp>(x);
  return isUnsigned ? x : s.select(s.lt(x, s.constantInt(x.getType(), 0)), s.neg(x), x);
}

Value infinite(nn::IsInfOp op, Scalars &s, Value x) {
  Value found = s.boolean(false);
  if (op.getDetectPositive())
    found = s.lor(found, s.eq(x, s.highest(x.getType())));
  if (op.getDetectNegative())
    found = s.lor(found, s.eq(x, s.lowest(x.getType())));
  return found;
}

Value convert(nn::CastOp op, Scalars &s, Value x) {
  Type from = Emitter::elementType(op.getX()), to = Emitter::elementType(op.getY());
  return s.cast(x, from, to);
}

} // namespace

Value qopt::lowerElement(Operation *op, Scalars &s, ValueRange x) {
  bool isUnsigned = isUnsignedElement(Emitter::elementType(op->getOperand(0)));
  Value zero; // Made where it is needed: unused constants would clutter the tests.
  auto bitwiseNot = [&] { return s.make<arith::XOrIOp>(x[0], s.constantInt(x[0].getType(), -1)); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](nn::AddOp) { return s.add(x[0], x[1]); })
      .Case([&](nn::SubOp) { return s.sub(x[0], x[1]); })
      .Case([&](nn::MulOp) { return s.mul(x[0], x[1]); })
      .Case([&](nn::DivOp) { return s.div(x[0], x[1], isUnsigned); })
      .Case([&](nn::MaxOp) { return s.max(x[0], x[1], isUnsigned); })
      .Case([&](nn::MinOp) { return s.min(x[0], x[1], isUnsigned); })
      .Case([&](nn::PowOp pow) { return power(pow, s, x[0], x[1]); })
      .Case([&](nn::ModOp mod) {
        if (!isFloat(x[0]) || mod.getFmod())
          return modulo(mod, s, x[0], x[1]);
        Value quotient = s.make<math::FloorOp>(s.div(x[0], x[1]));
        return s.sub(x[0], s.mul(quotient, x[1]));
      })
      .Case([&](nn::PReluOp) {
        zero = s.constant(x[0].getType(), 0);
        return s.select(s.lt(x[0], zero, isUnsigned), s.mul(x[0], x[1]), x[0]);
      })
      .Case<nn::AndOp, nn::BitwiseAndOp>([&](auto) { return s.make<arith::AndIOp>(x[0], x[1]); })
      .Case<nn::OrOp, nn::BitwiseOrOp>([&](auto) { return s.make<arith::OrIOp>(x[0], x[1]); })
      .Case<nn::XorOp, nn::BitwiseXorOp>([&](auto) { return s.make<arith::XOrIOp>(x[0], x[1]); })
      .Case([&](nn::BitShiftOp bitShift) { return shift(bitShift, s, x[0], x[1]); })
      .Case([&](nn::EqualOp) { return s.eq(x[0], x[1]); })
      .Case([&](nn::GreaterOp) { return s.gt(x[0], x[1], isUnsigned); })
      .Case([&](nn::GreaterOrEqualOp) { return s.ge(x[0], x[1], isUnsigned); })
      .Case([&](nn::LessOp) { return s.lt(x[0], x[1], isUnsigned); })
      .Case([&](nn::LessOrEqualOp) { return s.le(x[0], x[1], isUnsigned); })
      .Case([&](nn::WhereOp) { return s.select(x[0], x[1], x[2]); })
      .Case([&](nn::ClipOp clipOp) { return clip(clipOp, s, x); })
      .Case([&](nn::AbsOp) { return absolute(s, x[0], isUnsigned); })
      .Case([&](nn::NegOp) { return s.neg(x[0]); })
      .Case([&](nn::SignOp) { return signOf(s, x[0], isUnsigned); })
      .Case([&](nn::ReluOp) { return s.max(x[0], s.constant(x[0].getType(), 0), isUnsigned); })
      .Case<nn::NotOp, nn::BitwiseNotOp>([&](auto) { return bitwiseNot(); })
      .Case([&](nn::IsNaNOp) { return s.ne(x[0], x[0]); })
      .Case([&](nn::IsInfOp isInf) { return infinite(isInf, s, x[0]); })
      .Case([&](nn::CastOp cast) { return convert(cast, s, x[0]); })
      .Case<nn::CeilOp, nn::FloorOp, nn::RoundOp>([&](auto) {
        return isFloat(x[0]) ? lowerFloatFunction(op, s, x[0]) : x[0];
      })
      .Default([&](Operation *) { return isFloat(x[0]) ? lowerFloatFunction(op, s, x[0]) : Value(); });
}

namespace {

bool hasForm(Operation *op) {
  auto onIntegers = [](Type t) { return isa<IntegerType>(t); };
  Type element = Emitter::elementType(op->getOperand(0));
  if (onIntegers(element))
    return op->getNumOperands() > 1 ||
           isa<nn::AbsOp, nn::NegOp, nn::SignOp, nn::ReluOp, nn::NotOp, nn::BitwiseNotOp, nn::CastOp, nn::CeilOp,
               nn::FloorOp, nn::RoundOp, nn::ClipOp>(op);
  return true;
}

Values lowerElementwise(Operation *op, Emitter &e) {
  if (!hasForm(op))
    return {};
  Value result = op->getResult(0);
  Type to = Emitter::elementType(result);
  bool saturate = true;
  if (auto cast = dyn_cast<nn::CastOp>(op)) {
    saturate = cast.getSaturate();
    if (Emitter::elementType(cast.getX()) == to)
      return {e[cast.getX()]};
  }
  return {e.mapBroadcast(result, op->getOperands(), [&](Scalars &s, ValueRange elements) {
    Values x;
    for (auto [element, operand] : llvm::zip(elements, op->getOperands()))
      x.push_back(s.decode(element, Emitter::elementType(operand)));
    return s.encode(lowerElement(op, s, x), to, saturate);
  })};
}

/// The same bits under another type.
Values lowerBitCast(nn::BitCastOp op, Emitter &e) {
  RankedTensorType to = e.stored(op.getY());
  Type from = e.stored(op.getX()).getElementType();
  if (from == to.getElementType())
    return {e[op.getX()]};
  if (from.getIntOrFloatBitWidth() != to.getElementTypeBitWidth())
    return {};
  return {e.map(to, e.dims(op.getX()), e[op.getX()],
                [&](Scalars &s, ValueRange x) { return s.make<arith::BitcastOp>(to.getElementType(), x[0]); })};
}

} // namespace

void qopt::addElementwiseLowerings(LoweringTable &table) {
  using namespace nn;
  table.addAll<AbsOp, AcosOp, AcoshOp, AsinOp, AsinhOp, AtanOp, AtanhOp, BitwiseNotOp, CeilOp, CosOp, CoshOp, ErfOp,
               ExpOp, FloorOp, HardSwishOp, IsNaNOp, LogOp, MishOp, NegOp, NotOp, ReciprocalOp, ReluOp, RoundOp,
               SigmoidOp, SignOp, SinOp, SinhOp, SoftplusOp, SoftsignOp, SqrtOp, TanOp, TanhOp, CeluOp, EluOp, SeluOp,
               GeluOp, HardSigmoidOp, IsInfOp, LeakyReluOp, ShrinkOp, SwishOp, ThresholdedReluOp, CastOp, AddOp, AndOp,
               BitwiseAndOp, BitwiseOrOp, BitwiseXorOp, DivOp, EqualOp, GreaterOp, GreaterOrEqualOp, LessOp,
               LessOrEqualOp, MaxOp, MinOp, MulOp, OrOp, PowOp, PReluOp, SubOp, XorOp, BitShiftOp, ModOp, WhereOp,
               ClipOp>(lowerElementwise);
  table.add<BitCastOp>(lowerBitCast);
}
