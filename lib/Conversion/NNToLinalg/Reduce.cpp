#include "Lowerings.h"

#include "qopt/Conversion/Common/Contraction.h"
#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

/// Puts dims of size one back where `axes` were reduced.
Value restoreDims(Emitter &e, Value reduced, Value x, ArrayRef<int64_t> axes, Value result) {
  SymbolicDims from;
  Values dims;
  bool keeps = Emitter::rank(result) == Emitter::rank(x);
  for (int64_t i = 0, n = Emitter::rank(x); i < n; ++i) {
    bool isReduced = llvm::is_contained(axes, i);
    if (!isReduced)
      from.push_back(e.shapes.dims(x)[i]);
    if (!isReduced || keeps)
      dims.push_back(isReduced ? e.index(1) : e.dim(x, i));
  }
  RankedTensorType type = e.stored(result).clone(Emitter::elementType(reduced));
  return e.reshape(reduced, from, type, e.shapes.dims(result), dims);
}

Value countOf(Emitter &e, Value x, ArrayRef<int64_t> axes) {
  Value count = e.index(1);
  for (int64_t axis : axes)
    count = e.mul(count, e.dim(x, axis));
  return count;
}

/// Small integer vectors of shape arithmetic stay scalars.
Values reduceSmall(Operation *op, Emitter &e, Value x) {
  bool isUnsigned = isUnsignedElement(Emitter::elementType(x));
  Values elements = e.explode(e[x]);
  Value result = elements.empty() ? Value() : elements.front();
  for (Value next : ArrayRef(elements).drop_front(elements.empty() ? 0 : 1)) {
    if (isa<nn::ReduceProdOp>(op))
      result = e.mul(result, next);
    else if (isa<nn::ReduceSumOp>(op))
      result = e.add(result, next);
    else
      result = isa<nn::ReduceMaxOp>(op) ? e.max(result, next, isUnsigned) : e.min(result, next, isUnsigned);
  }
  return result ? Values{e.implode(e.stored(op->getResult(0)), result)} : Values{};
}

struct Reduction {
  Value init;
  std::function<Value(Scalars &, Value)> before;             ///< of each element
  std::function<Value(Scalars &, Value, Value)> combine;     ///< element, accumulator
  std::function<Value(Scalars &, Value)> after;              ///< of each result
};

Reduction reductionOf(Operation *op, Emitter &e, Type element, Type compute, Value count) {
  bool isUnsigned = isUnsignedElement(element), isFloat = isa<FloatType>(compute);
  auto same = [](Scalars &, Value x) { return x; };
  auto sum = [](Scalars &s, Value x, Value acc) { return s.add(acc, x); };
  auto square = [](Scalars &s, Value x) { return s.mul(x, x); };
  Value zero = e.constant(compute, 0);
  auto max = [isUnsigned](Scalars &s, Value x, Value acc) { return s.max(acc, x, isUnsigned); };
  auto min = [isUnsigned](Scalars &s, Value x, Value acc) { return s.min(acc, x, isUnsigned); };
  auto absolute = [isUnsigned, isFloat](Scalars &s, Value x) -> Value {
    if (isFloat)
      return s.make<math::AbsFOp>(x);
    return isUnsigned ? x : s.max(x, s.neg(x));
  };
  auto viaFloat = [compute, isFloat](Scalars &s, Value x, llvm::function_ref<Value(Value)> f) -> Value {
    if (isFloat)
      return f(x);
    Type f64 = s.b.getF64Type();
    return s.cast(f(s.cast(x, compute, f64)), f64, compute);
  };
  if (isa<nn::ReduceMaxOp>(op))
    return {e.lowest(element), same, max, same};
  if (isa<nn::ReduceMinOp>(op))
    return {e.highest(element), same, min, same};
  if (isa<nn::ReduceProdOp>(op))
    return {e.constant(compute, 1), same, [](Scalars &s, Value x, Value acc) { return s.mul(acc, x); }, same};
  if (isa<nn::ReduceL1Op>(op))
    return {zero, absolute, sum, same};
  if (isa<nn::ReduceSumSquareOp>(op))
    return {zero, square, sum, same};
  if (isa<nn::ReduceL2Op>(op))
    return {zero, square, sum, [viaFloat](Scalars &s, Value x) {
              return viaFloat(s, x, [&](Value v) { return s.make<math::SqrtOp>(v); });
            }};
  if (isa<nn::ReduceLogSumOp>(op))
    return {zero, same, sum, [viaFloat](Scalars &s, Value x) {
              return viaFloat(s, x, [&](Value v) { return s.make<math::LogOp>(v); });
            }};
  if (isa<nn::ReduceMeanOp>(op))
    return {zero, same, sum, [count, compute, isUnsigned](Scalars &s, Value x) {
              return s.div(x, s.fromIndex(count, compute), isUnsigned);
            }};
  return {zero, same, sum, same};
}

Values lowerReduce(Operation *op, Emitter &e) {
  Value x = op->getOperand(0), result = op->getResult(0);
  ArrayRef<int64_t> axes = op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef();
  Type element = Emitter::elementType(x), compute = accumulatorType(element);
  if (Emitter::isSmall(x.getType()) && isa<IntegerType>(element) && axes.size() == 1 && Emitter::rank(x) == 1 &&
      isa<nn::ReduceProdOp, nn::ReduceSumOp, nn::ReduceMaxOp, nn::ReduceMinOp>(op))
    if (Values small = reduceSmall(op, e, x); !small.empty())
      return small;
  Value count = countOf(e, x, axes);
  Reduction r = reductionOf(op, e, element, compute, count);
  Value reduced = e.reduce(e[x], axes, r.init, compute, [&](Scalars &s, ValueRange v) {
    s.allowReordering();
    return r.combine(s, r.before(s, s.decode(v[0], element)), v[1]);
  });
  RankedTensorType type = Emitter::type(reduced);
  bool isPlain = compute == storageElementType(element) &&
                 isa<nn::ReduceMaxOp, nn::ReduceMinOp, nn::ReduceSumOp, nn::ReduceProdOp, nn::ReduceL1Op,
                     nn::ReduceSumSquareOp>(op);
  if (!isPlain)
    reduced = e.map(type.clone(storageElementType(element)), e.dimsOf(reduced), reduced,
                    [&](Scalars &s, ValueRange v) { return s.encode(r.after(s, v[0]), element); });
  return {restoreDims(e, reduced, x, axes, result)};
}

/// max + log(sum(e^(x - max))); where the maximum is infinite, it is the result.
Values lowerLogSumExp(nn::ReduceLogSumExpOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), stored = storageElementType(element);
  Type compute = isa<FloatType>(accumulatorType(element)) ? accumulatorType(element) : Type(e.b.getF64Type());
  auto decode = [&](Scalars &s, Value v) { return s.cast(s.decode(v, element), element, compute); };
  ArrayRef<int64_t> axes = op.getAxes();
  MLIRContext *context = e.b.getContext();
  Value x = e[op.getX()];
  int64_t rank = Emitter::rank(x);
  Value max = e.reduce(x, axes, e.lowest(compute), compute,
                       [&](Scalars &s, ValueRange v) { return s.max(v[1], decode(s, v[0])); });
  auto finite = [&](Scalars &s, Value m) {
    return s.select(s.eq(s.make<math::AbsFOp>(m), s.highest(compute)), s.constant(compute, 0), m);
  };
  Value powers = e.map(Emitter::type(x).clone(compute), e.dimsOf(x), {x, max},
                       {AffineMap::getMultiDimIdentityMap(rank, context), dropDims(context, rank, axes)},
                       [&](Scalars &s, ValueRange v) {
                         return s.make<math::ExpOp>(s.sub(decode(s, v[0]), finite(s, v[1])));
                       });
  Value sum = e.reduce(powers, axes, e.constant(compute, 0), compute, [](Scalars &s, ValueRange v) {
    s.allowReordering();
    return s.add(v[1], v[0]);
  });
  RankedTensorType type = Emitter::type(sum).clone(stored);
  Value logs = e.map(type, e.dimsOf(sum), {sum, max}, [&](Scalars &s, ValueRange v) {
    return s.encode(s.cast(s.add(s.make<math::LogOp>(v[0]), finite(s, v[1])), compute, element), element);
  });
  return {restoreDims(e, logs, op.getX(), axes, op.getY())};
}

template <bool isMax, typename Op> Values lowerArg(Op op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), i64 = e.b.getI64Type();
  bool isUnsigned = isUnsignedElement(element), last = op.getSelectLastIndex();
  int64_t axis = op.getAxis();
  Value x = e[op.getX()];
  Values dims = e.dims(op.getX());
  SmallVector<int64_t> shape(Emitter::type(x).getShape());
  Value length = dims[axis];
  e.check(e.gt(length, e.index(0)), "the axis is empty");
  dims.erase(dims.begin() + axis);
  shape.erase(shape.begin() + axis);
  Value found = e.reduceWindow(
      RankedTensorType::get(shape, i64), dims, length, e.constantInt(i64, 0), [&](Scalars &s, ValueRange at, Value best) {
        auto read = [&](Value i) {
          Values where(at.drop_back());
          where.insert(where.begin() + axis, i);
          return s.decode(s.make<tensor::ExtractOp>(x, where), element);
        };
        Value candidate = read(at.back()), current = read(s.toIndex(best));
        Value lower = isMax ? current : candidate, higher = isMax ? candidate : current;
        Value isBetter = last ? s.le(lower, higher, isUnsigned) : s.lt(lower, higher, isUnsigned);
        return s.select(isBetter, s.fromIndex(at.back(), i64), best);
      });
  return {restoreDims(e, found, op.getX(), axis, op.getY())};
}

} // namespace

void qopt::addReduceLowerings(LoweringTable &table) {
  using namespace nn;
  table.addAll<ReduceL1Op, ReduceL2Op, ReduceLogSumOp, ReduceMaxOp, ReduceMeanOp, ReduceMinOp, ReduceProdOp,
               ReduceSumOp, ReduceSumSquareOp>(lowerReduce);
  table.add<ReduceLogSumExpOp>(lowerLogSumExp);
  table.add<ArgMaxOp>(lowerArg<true, ArgMaxOp>);
  table.add<ArgMinOp>(lowerArg<false, ArgMinOp>);
}
