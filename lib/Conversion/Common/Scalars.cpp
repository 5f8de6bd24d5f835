#include "qopt/Conversion/Common/Scalars.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace qopt;

namespace {
bool isFloat(Value v) { return isa<FloatType>(v.getType()); }

/// Whether `v` is an integer constant other than 0 and -1, by which division is safe.
bool isSafeDivisor(Value v) {
  APInt value;
  return matchPattern(v, m_ConstantInt(&value)) && !value.isZero() && !value.isAllOnes();
}
} // namespace

Value Scalars::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value Scalars::boolean(bool value) { return constantInt(b.getI1Type(), value); }

Value Scalars::constantInt(Type type, int64_t value) {
  if (isa<FloatType>(type))
    return constant(type, static_cast<double>(value));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

Value Scalars::constant(Type type, double value) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(floatType, value));
  return constantInt(type, static_cast<int64_t>(value));
}

Value Scalars::add(Value x, Value y) { return isFloat(x) ? make<arith::AddFOp>(x, y, fastmath) : make<arith::AddIOp>(x, y); }
Value Scalars::sub(Value x, Value y) { return isFloat(x) ? make<arith::SubFOp>(x, y) : make<arith::SubIOp>(x, y); }
Value Scalars::mul(Value x, Value y) { return isFloat(x) ? make<arith::MulFOp>(x, y, fastmath) : make<arith::MulIOp>(x, y); }

Value Scalars::div(Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return make<arith::DivFOp>(x, y);
  auto quotient = [&](Value divisor) {
    return isUnsigned ? make<arith::DivUIOp>(x, divisor) : make<arith::DivSIOp>(x, divisor);
  };
  if (isSafeDivisor(y))
    return quotient(y);
  Value zero = constantInt(x.getType(), 0), one = constantInt(x.getType(), 1);
  Value bad = eq(y, zero), result = zero;
  if (!isUnsigned) {
    Value negated = eq(y, constantInt(x.getType(), -1));
    result = select(negated, neg(x), zero);
    bad = lor(bad, negated);
  }
  return select(bad, result, quotient(select(bad, one, y)));
}

Value Scalars::rem(Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return make<arith::RemFOp>(x, y);
  auto remainder = [&](Value divisor) {
    return isUnsigned ? make<arith::RemUIOp>(x, divisor) : make<arith::RemSIOp>(x, divisor);
  };
  if (isSafeDivisor(y))
    return remainder(y);
  Value zero = constantInt(x.getType(), 0);
  Value bad = eq(y, zero);
  if (!isUnsigned)
    bad = lor(bad, eq(y, constantInt(x.getType(), -1)));
  return select(bad, zero, remainder(select(bad, constantInt(x.getType(), 1), y)));
}

Value Scalars::max(Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return make<arith::MaximumFOp>(x, y);
  return isUnsigned ? make<arith::MaxUIOp>(x, y) : make<arith::MaxSIOp>(x, y);
}

Value Scalars::min(Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return make<arith::MinimumFOp>(x, y);
  return isUnsigned ? make<arith::MinUIOp>(x, y) : make<arith::MinSIOp>(x, y);
}

Value Scalars::neg(Value x) {
  return isFloat(x) ? make<arith::NegFOp>(x) : make<arith::SubIOp>(constantInt(x.getType(), 0), x);
}

Value Scalars::select(Value condition, Value x, Value y) { return make<arith::SelectOp>(condition, x, y); }
Value Scalars::land(Value x, Value y) { return make<arith::AndIOp>(x, y); }
Value Scalars::lor(Value x, Value y) { return make<arith::OrIOp>(x, y); }
Value Scalars::lnot(Value x) { return make<arith::XOrIOp>(x, boolean(true)); }

Value Scalars::eq(Value x, Value y) {
  return isFloat(x) ? make<arith::CmpFOp>(arith::CmpFPredicate::OEQ, x, y)
                    : make<arith::CmpIOp>(arith::CmpIPredicate::eq, x, y);
}
Value Scalars::ne(Value x, Value y) {
  return isFloat(x) ? make<arith::CmpFOp>(arith::CmpFPredicate::UNE, x, y)
                    : make<arith::CmpIOp>(arith::CmpIPredicate::ne, x, y);
}
Value Scalars::lt(Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return make<arith::CmpFOp>(arith::CmpFPredicate::OLT, x, y);
  return make<arith::CmpIOp>(isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, x, y);
}
Value Scalars::le(Value x, Value y, bool isUnsigned) {
  if (isFloat(x))
    return make<arith::CmpFOp>(arith::CmpFPredicate::OLE, x, y);
  return make<arith::CmpIOp>(isUnsigned ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle, x, y);
}

Value Scalars::toIndex(Value x) {
  return x.getType().isIndex() ? x : make<arith::IndexCastOp>(b.getIndexType(), x);
}
Value Scalars::fromIndex(Value x, Type type) {
  if (isa<FloatType>(type))
    return make<arith::SIToFPOp>(type, fromIndex(x, b.getI64Type()));
  return x.getType() == type ? x : make<arith::IndexCastOp>(type, x);
}

/// The value of a small float's code in integer arithmetic that vectorizes. A code's exponent and mantissa, shifted to where f32 has
/// them, are the value but for the bias, subnormals included: one exact multiplication puts it right.
static Value decodeSmallFloat(Scalars &s, Value stored, Format format) {
  const FormatTraits &row = traits(format);
  Type i32 = s.b.getI32Type(), f32 = s.b.getF32Type();
  auto bits = [&](uint32_t value) { return s.constantInt(i32, static_cast<int32_t>(value)); };
  auto asFloat = [&](Value value) { return s.make<arith::BitcastOp>(f32, value); };
  auto shifted = [&](Value value, int64_t by) { return s.make<arith::ShLIOp>(value, s.constantInt(i32, by)); };
  Value code = s.make<arith::ExtUIOp>(i32, stored), nan = bits(0x7fc00000u);
  if (row.kind == FormatKind::Exponent) { // 2^-127 is a subnormal
    Value power = s.select(s.eq(code, bits(0)), bits(0x400000u), shifted(code, 23));
    return asFloat(s.select(s.eq(code, bits(0xff)), nan, power));
  }
  uint32_t signBit = 1u << (row.bits - 1), mantissa = (1u << row.mantissaBits) - 1;
  Value magnitude = s.land(code, bits(signBit - 1));
  Value sign = shifted(s.land(code, bits(signBit)), 32 - row.bits);
  Value value = s.mul(asFloat(shifted(magnitude, 23 - row.mantissaBits)), s.constant(f32, std::ldexp(1.0, 127 - row.bias)));
  value = s.make<arith::BitcastOp>(i32, value);
  if (row.specials == FloatSpecials::FN)
    value = s.select(s.eq(magnitude, bits(signBit - 1)), nan, value);
  if (row.specials == FloatSpecials::IEEE) {
    uint32_t infinity = signBit - 1 - mantissa;
    Value special = s.lor(bits(0x7f800000u), shifted(s.land(magnitude, bits(mantissa)), 23 - row.mantissaBits));
    value = s.select(s.ge(magnitude, bits(infinity)), special, value);
  }
  value = s.lor(value, sign);
  if (row.specials == FloatSpecials::FNUZ)
    value = s.select(s.eq(code, bits(signBit)), nan, value);
  return asFloat(value);
}

Value Scalars::decode(Value stored, Type element) {
  if (std::optional<Format> format = smallFloatFormat(element))
    return decodeSmallFloat(*this, stored, *format);
  if (element.isF16() || element.isBF16())
    return make<arith::ExtFOp>(b.getF32Type(), stored);
  return stored;
}

Value Scalars::encode(Value computed, Type element, bool saturate) {
  if (isSmallFloat(element))
    return callRuntime(("qopt_rt_f32_to_" + smallFloatName(element) + (saturate ? "_sat" : "")).str(), computed,
                       b.getI8Type());
  if (element.isF16() || element.isBF16())
    return make<arith::TruncFOp>(element, computed);
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() >= 8 || integer.getWidth() == 1)
    return computed;
  Value low = make<arith::TruncIOp>(b.getIntegerType(integer.getWidth()), computed);
  return integer.isUnsigned() ? make<arith::ExtUIOp>(b.getI8Type(), low) : make<arith::ExtSIOp>(b.getI8Type(), low);
}

Value Scalars::cast(Value value, Type from, Type to) {
  Type target = computeElementType(to), source = value.getType();
  auto fromInt = dyn_cast<IntegerType>(from), toInt = dyn_cast<IntegerType>(to);
  if (to.isInteger(1))
    return from.isInteger(1) ? value : ne(value, constantInt(source, 0));
  if (fromInt && toInt) {
    unsigned before = source.getIntOrFloatBitWidth(), after = target.getIntOrFloatBitWidth();
    if (after < before)
      return make<arith::TruncIOp>(target, value);
    if (after == before)
      return value;
    return isUnsignedElement(from) ? make<arith::ExtUIOp>(target, value) : make<arith::ExtSIOp>(target, value);
  }
  if (fromInt)
    return isUnsignedElement(from) ? make<arith::UIToFPOp>(target, value) : make<arith::SIToFPOp>(target, value);
  if (toInt) { // By way of a wider integer, so that what is out of range wraps as in numpy.
    bool wide = target.getIntOrFloatBitWidth() > 32 || toInt.getWidth() == 32;
    Type middle = wide ? b.getI64Type() : b.getI32Type();
    if (toInt.isUnsigned() && toInt.getWidth() == 64)
      return make<arith::FPToUIOp>(target, value);
    if (!toInt.isUnsigned() && toInt.getWidth() == 32)
      return make<arith::FPToSIOp>(target, value);
    Value integer = make<arith::FPToSIOp>(middle, value);
    return middle == target ? integer : make<arith::TruncIOp>(target, integer);
  }
  if (source == target)
    return value;
  return source.getIntOrFloatBitWidth() < target.getIntOrFloatBitWidth() ? make<arith::ExtFOp>(target, value)
                                                                         : make<arith::TruncFOp>(target, value);
}

Value Scalars::callRuntime(StringRef name, Value argument, Type result) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    function = func::FuncOp::create(b, name, b.getFunctionType(argument.getType(), result));
    function.setPrivate();
    if (argument.getType().isInteger(8)) // The C ABI widens small integers on the caller's side.
      function.setArgAttr(0, LLVM::LLVMDialect::getZExtAttrName(), b.getUnitAttr());
  }
  return func::CallOp::create(b, function, argument).getResult(0);
}

Value Scalars::lowest(Type element) {
  Type type = computeElementType(element);
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        b, b.getFloatAttr(floatType, APFloat::getInf(floatType.getFloatSemantics(), /*Negative=*/true)));
  unsigned width = cast<IntegerType>(element).getWidth(), stored = type.getIntOrFloatBitWidth();
  APInt value = isUnsignedElement(element) ? APInt::getZero(width).zext(stored)
                                           : APInt::getSignedMinValue(width).sext(stored);
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

Value Scalars::highest(Type element) {
  Type type = computeElementType(element);
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(floatType, APFloat::getInf(floatType.getFloatSemantics())));
  unsigned width = cast<IntegerType>(element).getWidth(), stored = type.getIntOrFloatBitWidth();
  APInt value = isUnsignedElement(element) ? APInt::getMaxValue(width).zext(stored)
                                           : APInt::getSignedMaxValue(width).sext(stored);
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}
