//===- Gather.cpp - Reading by index ----------------------------------------------===//
//
// Indices are checked in a pass of their own, so that the loop that moves the data has nothing in it that stops
// vectorization.
//
//===----------------------------------------------------------------------===//
#include "Lowerings.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

constexpr const char *outOfRange = "an index is out of range";

Value fromEnd(Scalars &s, Value index, Value size) {
  index = s.toIndex(index);
  return s.select(s.lt(index, s.index(0)), s.add(index, size), index);
}

Value isInRange(Scalars &s, Value index, Value size) {
  index = s.toIndex(index);
  return s.land(s.ge(index, s.sub(s.index(0), size)), s.lt(index, size));
}

/// Whether all elements of an index tensor suit a dim; true where that is known.
void checkIndices(Emitter &e, Value indices, Value size) {
  auto constants = Emitter::constantInts(indices);
  std::optional<int64_t> known = getConstantIntValue(size);
  if (constants && known && llvm::all_of(*constants, [&](int64_t i) { return i >= -*known && i < *known; }))
    return;
  Value tensor = e[indices];
  if (Emitter::isSmall(tensor.getType())) {
    Value good = e.boolean(true);
    for (Value index : e.explode(tensor))
      good = e.land(good, isInRange(e, index, size));
    return e.check(good, outOfRange);
  }
  SmallVector<int64_t> all(llvm::to_vector(llvm::seq<int64_t>(0, Emitter::rank(tensor))));
  Value good = e.reduce(tensor, all, e.boolean(true), e.b.getI1Type(),
                        [&](Scalars &s, ValueRange v) { return s.land(v[1], isInRange(s, v[0], size)); });
  e.check(e.extract(good, {}), outOfRange);
}

Values gatherSmall(nn::GatherOp op, Emitter &e) {
  auto indices = Emitter::constantInts(op.getIndices());
  if (!indices || !Emitter::isSmall(op.getData().getType()) || !Emitter::isSmall(op.getY().getType()))
    return {};
  Values all = e.explode(e[op.getData()]), elements;
  int64_t n = all.size();
  for (int64_t i : *indices) {
    if (i < -n || i >= n)
      return {};
    elements.push_back(all[i < 0 ? i + n : i]);
  }
  return {e.implode(e.stored(op.getY()), elements)};
}

/// One index: a slice, which moves nothing.
Value gatherOne(nn::GatherOp op, Emitter &e) {
  RankedTensorType type = e.stored(op.getY());
  int64_t axis = op.getAxis(), rank = Emitter::rank(op.getData());
  Value size = e.dim(op.getData(), axis);
  Value index = fromEnd(e, e.scalar(e[op.getIndices()]), size);
  SmallVector<OpFoldResult> offsets(rank, e.b.getIndexAttr(0)), ones(rank, e.b.getIndexAttr(1)), sizes;
  offsets[axis] = getAsOpFoldResult(index);
  for (int64_t i = 0; i < rank; ++i) {
    int64_t own = i < axis ? i : i - 1;
    if (i == axis)
      sizes.push_back(e.b.getIndexAttr(1));
    else if (!type.isDynamicDim(own))
      sizes.push_back(e.b.getIndexAttr(type.getDimSize(own)));
    else
      sizes.push_back(e.dim(op.getData(), i));
  }
  return tensor::ExtractSliceOp::create(e.b, type, e[op.getData()], offsets, sizes, ones);
}

Values lowerGather(nn::GatherOp op, Emitter &e) {
  if (Values small = gatherSmall(op, e); !small.empty())
    return small;
  int64_t axis = op.getAxis(), count = Emitter::rank(op.getIndices());
  Value size = e.dim(op.getData(), axis), data = e[op.getData()];
  checkIndices(e, op.getIndices(), size);
  if (count == 0)
    return {gatherOne(op, e)};
  RankedTensorType type = e.stored(op.getY());
  Values dims = e.dims(op.getData()), indexDims = e.dims(op.getIndices());
  dims.erase(dims.begin() + axis);
  dims.insert(dims.begin() + axis, indexDims.begin(), indexDims.end());
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < count; ++i)
    exprs.push_back(e.b.getAffineDimExpr(axis + i));
  AffineMap map = AffineMap::get(type.getRank(), 0, exprs, e.b.getContext());
  return {e.map(type, dims, e[op.getIndices()], map, [&](Scalars &s, ValueRange v) {
    Values from;
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (i < axis || i >= axis + count)
        from.push_back(linalg::IndexOp::create(s.b, i));
    from.insert(from.begin() + axis, fromEnd(s, v[0], size));
    return s.make<tensor::ExtractOp>(data, from);
  })};
}

Values lowerGatherElements(nn::GatherElementsOp op, Emitter &e) {
  int64_t axis = op.getAxis();
  Value size = e.dim(op.getData(), axis), data = e[op.getData()];
  checkIndices(e, op.getIndices(), size);
  for (int64_t i = 0, n = Emitter::rank(op.getData()); i < n; ++i)
    if (i != axis && !e.sameDim(op.getData(), i, op.getIndices(), i))
      e.check(e.le(e.dim(op.getIndices(), i), e.dim(op.getData(), i)), "the indices reach beyond the data");
  RankedTensorType type = e.stored(op.getY());
  return {e.map(type, e.dims(op.getIndices()), e[op.getIndices()], [&](Scalars &s, ValueRange v) {
    Values from;
    for (int64_t i = 0; i < type.getRank(); ++i)
      from.push_back(i == axis ? fromEnd(s, v[0], size) : Value(linalg::IndexOp::create(s.b, i)));
    return s.make<tensor::ExtractOp>(data, from);
  })};
}

Values lowerGatherND(nn::GatherNDOp op, Emitter &e) {
  int64_t batch = op.getBatchDims(), outer = Emitter::rank(op.getIndices()) - 1;
  int64_t tuple = Emitter::type(op.getIndices()).getDimSize(outer), rank = Emitter::rank(op.getData());
  if (ShapedType::isDynamic(tuple) || batch + tuple > rank)
    return {};
  Value data = e[op.getData()], indices = e[op.getIndices()];
  Values sizes = e.dims(op.getData()), dims = e.dims(op.getIndices());
  dims.pop_back();
  dims.append(sizes.begin() + batch + tuple, sizes.end());
  std::string message = e.sentence(outOfRange);
  return {e.generate(e.stored(op.getY()), dims, [&](Scalars &s, ValueRange at) {
    Values from(at.begin(), at.begin() + batch), where(at.begin(), at.begin() + outer);
    where.push_back({});
    for (int64_t i = 0; i < tuple; ++i) {
      where.back() = s.index(i);
      Value index = s.make<tensor::ExtractOp>(indices, where), size = sizes[batch + i];
      cf::AssertOp::create(s.b, isInRange(s, index, size), message);
      from.push_back(fromEnd(s, index, size));
    }
    from.append(at.begin() + outer, at.end());
    return s.make<tensor::ExtractOp>(data, from);
  })};
}

} // namespace

void qopt::addGatherLowerings(LoweringTable &table) {
  table.add<nn::GatherOp>(lowerGather);
  table.add<nn::GatherElementsOp>(lowerGatherElements);
  table.add<nn::GatherNDOp>(lowerGatherND);
}
