#include "RowCopy.h"

using namespace mlir;
using namespace qopt::qcpu;

/// A scalar or vector of activations as the register tile reads them.
Value RowCopy::convert(Value value) {
  if (form.operands != Operands::Int8)
    return value;
  auto vector = dyn_cast<VectorType>(value.getType());
  if (form.step == Step::MultiplyPairs16) {
    Type wide = vector ? Type(e.vec(vector.getNumElements(), e.i16())) : e.i16();
    if (aUnsigned)
      return arith::ExtUIOp::create(e.builder, e.loc, wide, value);
    return arith::ExtSIOp::create(e.builder, e.loc, wide, value);
  }
  if (aUnsigned)
    return value;
  TypedAttr bit = e.builder.getI8IntegerAttr(-128);
  Value flip = vector ? e.constantSplat(vector, bit) : Value(arith::ConstantOp::create(e.builder, e.loc, bit));
  return arith::XOrIOp::create(e.builder, e.loc, value, flip);
}

Value RowCopy::scalar(Value bits) {
  if (form.operands == Operands::Int8)
    return arith::TruncIOp::create(e.builder, e.loc, e.i8(), bits);
  Value low = arith::TruncIOp::create(e.builder, e.loc, e.i32(), bits);
  return e.bitcast(e.f32(), low);
}

void RowCopy::run(Value source, Value row, Value first, Value count) {
  int64_t from = activationBytes(form), to = preparedBytes(form), step = vectorCount();
  Value target = e.at(row, e.mul(first, to));
  Value whole = e.mul(e.floorDiv(count, step), step);
  auto copy = [&](Value begin, Value end, int64_t elements) {
    Type type = elements == 1 ? activation() : e.vec(elements, activation());
    e.loop(begin, end, e.index(elements), [&](Value i) {
      e.store(convert(e.load(type, e.at(source, e.mul(i, from)))), e.at(target, e.mul(i, to)));
    });
  };
  copy(e.index(0), whole, step);
  copy(whole, count, 1);
}

void RowCopy::fill(Value value, Value row, Value first, Value count) {
  int64_t to = preparedBytes(form);
  Value prepared = convert(value), target = e.at(row, e.mul(first, to));
  e.loop(e.index(0), count, e.index(1), [&](Value i) { e.store(prepared, e.at(target, e.mul(i, to))); });
}

void RowCopy::padToStep(Value row, Value depth) {
  if (form.kPack == 1)
    return;
  int64_t to = preparedBytes(form);
  Type type = e.builder.getIntegerType(8 * to);
  Value zero = arith::ConstantOp::create(e.builder, e.loc, e.builder.getIntegerAttr(type, 0));
  e.loop(depth, e.mul(e.ceilDiv(depth, form.kPack), form.kPack), e.index(1),
         [&](Value i) { e.store(zero, e.at(row, e.mul(i, to))); });
}
