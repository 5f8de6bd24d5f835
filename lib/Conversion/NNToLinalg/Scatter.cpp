//===- Scatter.cpp - Writing by index, in the order of the updates ------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/ElementTypes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

Value checkedIndex(Emitter &s, Value index, Value size) {
  Value zero = s.index(0);
  index = s.toIndex(index);
  s.check(s.land(s.ge(index, s.sub(zero, size)), s.lt(index, size)), "an index is out of range");
  return s.select(s.lt(index, zero), s.add(index, size), index);
}

Value combine(Emitter &s, StringRef reduction, Value old, Value update, Type element) {
  if (reduction == "none")
    return update;
  bool isUnsigned = isUnsignedElement(element);
  Value x = s.decode(old, element), y = s.decode(update, element);
  Value result = reduction == "add"   ? s.add(x, y)
                 : reduction == "mul" ? s.mul(x, y)
                 : reduction == "max" ? s.max(x, y, isUnsigned)
                                      : s.min(x, y, isUnsigned);
  return s.encode(result, element);
}

Values lowerScatterElements(nn::ScatterElementsOp op, Emitter &e) {
  int64_t axis = op.getAxis();
  Type element = Emitter::elementType(op.getData());
  Value indices = e[op.getIndices()], updates = e[op.getUpdates()], size = e.dim(op.getData(), axis);
  for (int64_t i = 0, n = Emitter::rank(op.getData()); i < n; ++i) {
    if (i != axis && !e.sameDim(op.getIndices(), i, op.getData(), i))
      e.check(e.le(e.dim(op.getIndices(), i), e.dim(op.getData(), i)), "the indices reach beyond the data");
    if (!e.sameDim(op.getIndices(), i, op.getUpdates(), i))
      e.check(e.le(e.dim(op.getIndices(), i), e.dim(op.getUpdates(), i)), "the updates are fewer than the indices");
  }
  return e.loops(e.dims(op.getIndices()), e[op.getData()], [&](Emitter &s, ValueRange at, ValueRange carried) -> Values {
    Values to(at.begin(), at.end());
    to[axis] = checkedIndex(s, s.make<tensor::ExtractOp>(indices, at), size);
    Value update = s.make<tensor::ExtractOp>(updates, at), old = update;
    if (op.getReduction() != "none")
      old = tensor::ExtractOp::create(s.b, carried[0], to);
    return {tensor::InsertOp::create(s.b, combine(s, op.getReduction(), old, update, element), carried[0], to)};
  });
}

Values lowerScatterND(nn::ScatterNDOp op, Emitter &e) {
  int64_t outer = Emitter::rank(op.getIndices()) - 1, tuple = Emitter::type(op.getIndices()).getDimSize(outer);
  int64_t rank = Emitter::rank(op.getData());
  if (ShapedType::isDynamic(tuple) || tuple > rank)
    return {};
  Type element = Emitter::elementType(op.getData());
  Value indices = e[op.getIndices()], updates = e[op.getUpdates()];
  Values sizes = e.dims(op.getData()), dims = e.dims(op.getIndices());
  dims.pop_back();
  dims.append(sizes.begin() + tuple, sizes.end());
  for (auto [i, dim] : llvm::enumerate(dims)) {
    Value own = e.dim(op.getUpdates(), i);
    if (getConstantIntValue(own) != getConstantIntValue(dim) || !getConstantIntValue(own))
      e.check(e.eq(own, dim), "the updates' shape does not follow from the indices'");
  }
  return e.loops(dims, e[op.getData()], [&](Emitter &s, ValueRange at, ValueRange carried) -> Values {
    Values to, where(at.begin(), at.begin() + outer);
    where.push_back({});
    for (int64_t i = 0; i < tuple; ++i) {
      where.back() = s.index(i);
      to.push_back(checkedIndex(s, s.make<tensor::ExtractOp>(indices, where), sizes[i]));
    }
    to.append(at.begin() + outer, at.end());
    Value update = s.make<tensor::ExtractOp>(updates, at), old = update;
    if (op.getReduction() != "none")
      old = tensor::ExtractOp::create(s.b, carried[0], to);
    return {tensor::InsertOp::create(s.b, combine(s, op.getReduction(), old, update, element), carried[0], to)};
  });
}

} // namespace

void qopt::addScatterLowerings(LoweringTable &table) {
  table.add<nn::ScatterElementsOp>(lowerScatterElements);
  table.add<nn::ScatterNDOp>(lowerScatterND);
}
