#include "Lowerings.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

/// y[i] = y[i - 1] + x[i] (inclusive) or y[i - 1] + x[i - 1] (exclusive), counted from the end if reversed.
Values lowerCumSum(nn::CumSumOp op, Emitter &e) {
  Type element = Emitter::elementType(op.getX());
  int64_t axis = op.getAxis();
  Value x = e[op.getX()];
  Values dims = e.dims(op.getX());
  Value length = dims[axis];
  return e.loops(dims, e.empty(e.stored(op.getY()), dims), [&](Emitter &s, ValueRange at, ValueRange carried) -> Values {
    Value step = at[axis], one = s.index(1), zero = s.index(0), isFirst = s.eq(step, zero);
    auto position = [&](Value i) {
      Values where(at.begin(), at.end());
      where[axis] = op.getReverse() ? s.sub(s.sub(length, one), i) : i;
      return where;
    };
    Value before = s.select(isFirst, zero, s.sub(step, one));
    Value nothing = s.constant(s.decode(s.make<tensor::ExtractOp>(x, position(before)), element).getType(), 0);
    Value sum = s.select(isFirst, nothing, s.decode(s.make<tensor::ExtractOp>(carried[0], position(before)), element));
    Value next = s.decode(s.make<tensor::ExtractOp>(x, position(op.getExclusive() ? before : step)), element);
    if (op.getExclusive())
      next = s.select(isFirst, nothing, next);
    Value y = s.encode(s.add(sum, next), element);
    return {s.make<tensor::InsertOp>(y, carried[0], position(step))};
  });
}

} // namespace

void qopt::addScanLowerings(LoweringTable &table) { table.add<nn::CumSumOp>(lowerCumSum); }
