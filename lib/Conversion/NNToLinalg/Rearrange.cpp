#include "Lowerings.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace qopt;

namespace {

Values lowerReverseSequence(nn::ReverseSequenceOp op, Emitter &e) {
  int64_t batch = op.getBatchAxis(), time = op.getTimeAxis();
  Value x = e[op.getX()], lengths = e[op.getSequenceLens()];
  return {e.generate(e.stored(op.getY()), e.dims(op.getX()), [&](Scalars &s, ValueRange at) {
    Value length = s.toIndex(s.make<tensor::ExtractOp>(lengths, at[batch]));
    Value mirrored = s.sub(s.sub(length, s.index(1)), at[time]);
    Values from(at.begin(), at.end());
    from[time] = s.select(s.lt(at[time], length), mirrored, at[time]);
    return s.make<tensor::ExtractOp>(x, from);
  })};
}

RankedTensorType typeOf(const SymbolicDims &dims, Type element) {
  SmallVector<int64_t> shape;
  for (const SymbolicDim &dim : dims)
    shape.push_back(dim.asConstant().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, element);
}

Values lowerDepthToSpace(nn::DepthToSpaceOp op, Emitter &e) {
  Value x = op.getX();
  int64_t block = op.getBlocksize();
  const SymbolicDims &from = e.shapes.dims(x);
  SymbolicDim b = SymbolicDim::constant(block);
  auto depth = exactQuotient(from[1], b * b);
  if (!depth)
    return {};
  Value size = e.index(block), channels = e.div(e.dim(x, 1), e.index(block * block));
  Value n = e.dim(x, 0), h = e.dim(x, 2), w = e.dim(x, 3);
  bool isDCR = op.getMode() == "DCR";
  SymbolicDims wide = isDCR ? SymbolicDims{from[0], b, b, *depth, from[2], from[3]}
                            : SymbolicDims{from[0], *depth, b, b, from[2], from[3]};
  Values wideDims = isDCR ? Values{n, size, size, channels, h, w} : Values{n, channels, size, size, h, w};
  SmallVector<int64_t> perm = isDCR ? SmallVector<int64_t>{0, 3, 4, 1, 5, 2} : SmallVector<int64_t>{0, 1, 4, 2, 5, 3};
  SymbolicDims turned, to = {from[0], *depth, from[2] * b, from[3] * b};
  for (int64_t i : perm)
    turned.push_back(wide[i]);
  Type element = Emitter::elementType(e[x]);
  Value expanded = e.reshape(e[x], from, typeOf(wide, element), wide, wideDims);
  return {e.reshape(e.transpose(expanded, perm), turned, e.stored(op.getY()), to,
                    {n, channels, e.mul(h, size), e.mul(w, size)})};
}

Values lowerSpaceToDepth(nn::SpaceToDepthOp op, Emitter &e) {
  Value x = op.getX();
  int64_t block = op.getBlocksize();
  const SymbolicDims &from = e.shapes.dims(x);
  SymbolicDim b = SymbolicDim::constant(block);
  Value size = e.index(block), zero = e.index(0);
  auto divided = [&](int64_t i) {
    auto quotient = exactQuotient(from[i], b);
    if (quotient)
      return *quotient;
    e.check(e.eq(e.rem(e.dim(x, i), size), zero), "the block does not divide a spatial dim");
    return e.shapes.freshAtom(true);
  };
  SymbolicDim hDim = divided(2), wDim = divided(3);
  SymbolicDims known(from); // With the quotients, so that the runs of dims are found.
  known[2] = hDim * b, known[3] = wDim * b;
  Value n = e.dim(x, 0), c = e.dim(x, 1), h = e.div(e.dim(x, 2), size), w = e.div(e.dim(x, 3), size);
  SymbolicDims wide = {from[0], from[1], hDim, b, wDim, b}, turned;
  SmallVector<int64_t> perm = {0, 3, 5, 1, 2, 4};
  for (int64_t i : perm)
    turned.push_back(wide[i]);
  Type element = Emitter::elementType(e[x]);
  Value expanded = e.reshape(e[x], known, typeOf(wide, element), wide, {n, c, h, size, w, size});
  SymbolicDims to = {from[0], from[1] * b * b, hDim, wDim};
  return {e.reshape(e.transpose(expanded, perm), turned, e.stored(op.getY()), to,
                    {n, e.mul(c, e.mul(size, size)), h, w})};
}

} // namespace

void qopt::addRearrangeLowerings(LoweringTable &table) {
  table.add<nn::ReverseSequenceOp>(lowerReverseSequence);
  table.add<nn::DepthToSpaceOp>(lowerDepthToSpace);
  table.add<nn::SpaceToDepthOp>(lowerSpaceToDepth);
}
