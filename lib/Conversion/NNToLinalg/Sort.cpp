//===- Sort.cpp - TopK, and ops whose result's size depends on the data -------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

/// The i-th of the k elements of a row is the best one that comes after the (i-1)-th, in the order by value, then by
/// index. That needs no scratch memory and k passes over the row.
Values lowerTopK(nn::TopKOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), i64 = e.b.getI64Type();
  bool isUnsigned = isUnsignedElement(element);
  int64_t axis = op.getAxis();
  Value x = e[op.getX()], length = e.dim(op.getX(), axis), k = e.toIndex(e.scalar(e[op.getK()]));
  e.check(e.land(e.ge(k, e.index(0)), e.le(k, length)), "k is not between zero and the axis' size");
  Values dims = e.dims(op.getX());
  dims[axis] = k;
  auto read = [&](Scalars &s, ValueRange row, Value i) {
    Values where(row.begin(), row.end());
    where[axis] = i;
    return s.decode(tensor::ExtractOp::create(s.b, x, where), element);
  };
  // Whether a at i comes before b at j. NaN counts as the largest value.
  auto precedes = [&](Scalars &s, Value a, Value i, Value b, Value j) {
    Value greater = s.gt(a, b, isUnsigned), less = s.lt(a, b, isUnsigned);
    if (isa<FloatType>(a.getType())) {
      Value aNaN = s.ne(a, a), bNaN = s.ne(b, b);
      greater = s.lor(greater, s.land(aNaN, s.lnot(bNaN)));
      less = s.lor(less, s.land(bNaN, s.lnot(aNaN)));
    }
    Value better = op.getLargest() ? greater : less, worse = op.getLargest() ? less : greater;
    return s.lor(better, s.land(s.lnot(worse), s.lt(i, j)));
  };
  Values found = e.loops(
      dims, e.empty(e.stored(op.getIndices()), dims), [&](Emitter &s, ValueRange at, ValueRange carried) -> Values {
        Value zero = s.index(0), one = s.index(1), none = s.index(-1), isFirst = s.eq(at[axis], zero);
        Values before(at.begin(), at.end());
        before[axis] = s.select(isFirst, zero, s.sub(at[axis], one));
        Value last = s.select(isFirst, zero, s.toIndex(tensor::ExtractOp::create(s.b, carried[0], before)));
        Value lastValue = read(s, at, last);
        Values best = s.loops(length, none, [&](Emitter &t, ValueRange i, ValueRange so) -> Values {
          Value candidate = read(t, at, i[0]), isNone = t.lt(so[0], t.index(0));
          Value current = t.select(isNone, t.index(0), so[0]), currentValue = read(t, at, current);
          Value isLeft = t.lor(isFirst, precedes(t, lastValue, last, candidate, i[0]));
          isLeft = t.land(isLeft, t.lor(isFirst, t.ne(i[0], last)));
          Value isBetter = t.lor(isNone, precedes(t, candidate, i[0], currentValue, current));
          return {t.select(t.land(isLeft, isBetter), i[0], so[0])};
        });
        Value index = s.max(best[0], zero);
        return {tensor::InsertOp::create(s.b, s.fromIndex(index, i64), carried[0], at)};
      });
  Value indices = found[0];
  Value values = e.map(e.stored(op.getValues()), dims, indices, [&](Scalars &s, ValueRange v) {
    Values where;
    for (int64_t i = 0, n = Emitter::rank(op.getX()); i < n; ++i)
      where.push_back(i == axis ? s.toIndex(v[0]) : Value(linalg::IndexOp::create(s.b, i)));
    return s.make<tensor::ExtractOp>(x, where);
  });
  return {values, indices};
}

Value isTrue(Scalars &s, Value stored, Type element) {
  Value v = s.decode(stored, element);
  return s.ne(v, s.constant(v.getType(), 0));
}

Value countTrue(Emitter &e, Value tensor, Type element) {
  SmallVector<int64_t> all(llvm::to_vector(llvm::seq<int64_t>(0, Emitter::rank(tensor))));
  Type i64 = e.b.getI64Type();
  Value count = e.reduce(tensor, all, e.constantInt(i64, 0), i64, [&](Scalars &s, ValueRange v) {
    return s.add(v[1], s.make<arith::ExtUIOp>(i64, isTrue(s, v[0], element)));
  });
  return e.toIndex(e.extract(count, {}));
}

/// Runs `write` on the carried tensor where the condition holds, and counts.
Values writeIf(Emitter &s, Value condition, Value tensor, Value position,
               llvm::function_ref<Value(Emitter &, Value tensor)> write) {
  auto branch = scf::IfOp::create(s.b, TypeRange{tensor.getType(), position.getType()}, condition, true);
  OpBuilder yes = branch.getThenBodyBuilder(), no = branch.getElseBodyBuilder();
  Emitter inner = s.at(yes);
  Value next = write(inner, tensor);
  scf::YieldOp::create(inner.b, ValueRange{next, inner.add(position, inner.index(1))});
  scf::YieldOp::create(no, s.b.getLoc(), ValueRange{tensor, position});
  return Values(branch.getResults());
}

Values lowerNonZero(nn::NonZeroOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX()), i64 = e.b.getI64Type();
  Value x = e[op.getX()], count = countTrue(e, x, element);
  int64_t rank = Emitter::rank(op.getX());
  Value init = e.empty(e.stored(op.getY()), {e.index(rank), count});
  Values dims = e.dims(op.getX());
  return {e.loops(dims, {init, e.index(0)}, [&](Emitter &s, ValueRange at, ValueRange carried) {
    Value condition = isTrue(s, s.make<tensor::ExtractOp>(x, at), element);
    return writeIf(s, condition, carried[0], carried[1], [&](Emitter &t, Value tensor) {
      for (int64_t i = 0; i < rank; ++i)
        tensor = tensor::InsertOp::create(t.b, t.fromIndex(at[i], i64), tensor, ValueRange{t.index(i), carried[1]});
      return tensor;
    });
  })[0]};
}

/// The positions of the true conditions first, then a gather.
Values lowerCompress(nn::CompressOp op, Emitter &e) {
  Value x = op.getX(), condition = e[op.getCondition()], data = e[x];
  Value length = op.getAxis() ? e.dim(x, *op.getAxis()) : e.product(e.dims(x));
  Value available = e.min(length, e.dim(op.getCondition(), 0));
  auto positionsType = RankedTensorType::get({ShapedType::kDynamic}, e.b.getIndexType());
  Value init = e.empty(positionsType, available);
  Values found = e.loops(available, {init, e.index(0)}, [&](Emitter &s, ValueRange at, ValueRange carried) {
    return writeIf(s, s.make<tensor::ExtractOp>(condition, at), carried[0], carried[1], [&](Emitter &t, Value tensor) {
      return tensor::InsertOp::create(t.b, at[0], tensor, carried[1]);
    });
  });
  Value positions = found[0];
  Values sizes = e.dims(x), dims = sizes;
  if (op.getAxis())
    dims[*op.getAxis()] = found[1];
  else
    dims = {found[1]};
  return {e.generate(e.stored(op.getY()), dims, [&](Scalars &s, ValueRange at) {
    if (op.getAxis()) {
      Values from(at.begin(), at.end());
      from[*op.getAxis()] = s.make<tensor::ExtractOp>(positions, at[*op.getAxis()]);
      return s.make<tensor::ExtractOp>(data, from);
    }
    Value flat = s.make<tensor::ExtractOp>(positions, at[0]);
    Values from(sizes.size());
    for (int64_t i = sizes.size() - 1; i >= 0; --i) {
      from[i] = s.rem(flat, sizes[i]);
      flat = s.div(flat, sizes[i]);
    }
    return s.make<tensor::ExtractOp>(data, from);
  })};
}

} // namespace

void qopt::addSortLowerings(LoweringTable &table) {
  table.add<nn::TopKOp>(lowerTopK);
  table.add<nn::NonZeroOp>(lowerNonZero);
  table.add<nn::CompressOp>(lowerCompress);
}
