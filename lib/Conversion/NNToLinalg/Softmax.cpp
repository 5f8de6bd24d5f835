#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

AffineMap qopt::dropDims(MLIRContext *context, int64_t rank, ArrayRef<int64_t> axes) {
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rank; ++i)
    if (!llvm::is_contained(axes, i))
      exprs.push_back(getAffineDimExpr(i, context));
  return AffineMap::get(rank, 0, exprs, context);
}

Value qopt::decodeAll(Emitter &e, Value stored, Type element) {
  Type compute = computeElementType(element);
  if (compute == Emitter::elementType(stored))
    return stored;
  return e.map(Emitter::type(stored).clone(compute), e.dimsOf(stored), stored,
               [&](Scalars &s, ValueRange x) { return s.decode(x[0], element); });
}

/// f32 to integers of the same order, and back: NaN lie beyond the infinities. LLVM finds the largest integer of a row with vectors, the
/// largest float one element at a time, to let NaN through.
static Value ordered(Scalars &s, Value bits) {
  Type i32 = s.b.getI32Type();
  Value sign = s.make<arith::ShRSIOp>(bits, s.constantInt(i32, 31));
  return s.make<arith::XOrIOp>(bits, s.make<arith::AndIOp>(sign, s.constantInt(i32, 0x7fffffff)));
}

/// The largest element along the axis, as `largest` gives it to a body that reads the result. One NaN at least makes it NaN, or is NaN less it.
static Value reduceToLargest(Emitter &e, Value x, int64_t axis) {
  Type element = Emitter::elementType(x), i32 = e.b.getI32Type();
  if (!element.isF32())
    return e.reduce(x, axis, e.lowest(element), element, [](Scalars &s, ValueRange v) { return s.max(v[0], v[1]); });
  constexpr auto minusInfinity = static_cast<int32_t>(0x807fffff);
  return e.reduce(x, axis, e.constantInt(i32, minusInfinity), i32, [&](Scalars &s, ValueRange v) {
    return s.max(ordered(s, s.make<arith::BitcastOp>(i32, v[0])), v[1]);
  });
}

static Value largest(Scalars &s, Value reduced, Type element) {
  return element.isF32() ? s.make<arith::BitcastOp>(element, ordered(s, reduced)) : reduced;
}

Exponentials qopt::emitExponentials(Emitter &e, Value x, int64_t axis, bool zeroWhereMasked) {
  RankedTensorType type = Emitter::type(x);
  Type element = type.getElementType();
  MLIRContext *context = e.b.getContext();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), context);
  AffineMap rows = dropDims(context, type.getRank(), axis);
  Values dims = e.dimsOf(x);
  Value max = reduceToLargest(e, x, axis);
  Value shifted = e.map(type, dims, {x, max}, {identity, rows}, [&](Scalars &s, ValueRange v) {
    Value m = largest(s, v[1], element);
    if (zeroWhereMasked)
      m = s.select(s.eq(m, s.lowest(element)), s.constant(element, 0), m);
    return s.sub(v[0], m);
  });
  Value exponentials = e.map(type, dims, shifted, [](Scalars &s, ValueRange v) { return s.make<math::ExpOp>(v[0]); });
  Value sums = e.reduce(exponentials, axis, e.constant(element, 0), element, [](Scalars &s, ValueRange v) {
    s.allowReordering();
    return s.add(v[1], v[0]);
  });
  if (zeroWhereMasked)
    sums = e.map(Emitter::type(sums), e.dimsOf(sums), sums, [&](Scalars &s, ValueRange v) {
      return s.select(s.eq(v[0], s.constant(element, 0)), s.constant(element, 1), v[0]);
    });
  return {exponentials, shifted, sums};
}

Value qopt::emitSoftmax(Emitter &e, const Exponentials &x, int64_t axis, Type element) {
  RankedTensorType type = Emitter::type(x.exponentials);
  MLIRContext *context = e.b.getContext();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), context);
  return e.map(type.clone(storageElementType(element)), e.dimsOf(x.exponentials), {x.exponentials, x.sums},
               {identity, dropDims(context, type.getRank(), axis)},
               [&](Scalars &s, ValueRange v) { return s.encode(s.div(v[0], v[1]), element); });
}

namespace {

Values lowerSoftmax(nn::SoftmaxOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX());
  int64_t axis = op.getAxis();
  Exponentials x = emitExponentials(e, decodeAll(e, e[op.getX()], element), axis);
  return {emitSoftmax(e, x, axis, element)};
}

Values lowerLogSoftmax(nn::LogSoftmaxOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX());
  int64_t axis = op.getAxis();
  Exponentials x = emitExponentials(e, decodeAll(e, e[op.getX()], element), axis);
  int64_t rank = Emitter::rank(op.getX());
  MLIRContext *context = e.b.getContext();
  Value logs = e.map(Emitter::type(x.sums), e.dimsOf(x.sums), x.sums,
                     [](Scalars &s, ValueRange v) { return s.make<math::LogOp>(v[0]); });
  return {e.map(e.stored(op.getY()), e.dims(op.getX()), {x.shifted, logs},
                {AffineMap::getMultiDimIdentityMap(rank, context), dropDims(context, rank, axis)},
                [&](Scalars &s, ValueRange v) { return s.encode(s.sub(v[0], v[1]), element); })};
}

/// One where no element before is as large and none behind is larger.
Values lowerHardmax(nn::HardmaxOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX());
  int64_t axis = op.getAxis(), rank = Emitter::rank(op.getX());
  Value x = decodeAll(e, e[op.getX()], element);
  Type compute = Emitter::elementType(x);
  MLIRContext *context = e.b.getContext();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, context), rows = dropDims(context, rank, axis);
  Value max = e.reduce(x, axis, e.lowest(compute), compute,
                       [](Scalars &s, ValueRange v) { return s.max(v[0], v[1]); });
  Type i64 = e.b.getI64Type();
  Values dims = e.dims(op.getX());
  Value candidates = e.generate(Emitter::type(x).clone(i64), dims, [&](Scalars &s, ValueRange at) {
    Values row(at.begin(), at.end());
    row.erase(row.begin() + axis);
    Value isMax = s.eq(s.make<tensor::ExtractOp>(x, at), s.make<tensor::ExtractOp>(max, row));
    return s.select(isMax, s.fromIndex(at[axis], i64), s.constantInt(i64, INT64_MAX));
  });
  Value first = e.reduce(candidates, axis, e.constantInt(i64, INT64_MAX), i64,
                         [](Scalars &s, ValueRange v) { return s.min(v[0], v[1]); });
  return {e.map(e.stored(op.getY()), dims, {candidates, first}, {identity, rows}, [&](Scalars &s, ValueRange v) {
    return s.encode(s.select(s.eq(v[0], v[1]), s.constant(compute, 1), s.constant(compute, 0)), element);
  })};
}

} // namespace

void qopt::addSoftmaxLowerings(LoweringTable &table) {
  table.add<nn::SoftmaxOp>(lowerSoftmax);
  table.add<nn::LogSoftmaxOp>(lowerLogSoftmax);
  table.add<nn::HardmaxOp>(lowerHardmax);
}
