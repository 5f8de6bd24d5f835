// Gradients of ops that move or select elements.
#include "GradientImpl.h"

using namespace mlir;
using namespace qopt::nn;

namespace {

/// Ops whose result holds the elements of operand 0 in order.
template <typename Op> void reshape(Op op, Gradients &g) {
  Value x = op->getOperand(0);
  g.to(x, [&] { return g.reshapeLike(g.of(op.getY()), x); });
}

void transpose(TransposeOp op, Gradients &g) {
  SmallVector<int64_t> inverse(op.getPerm().size());
  for (auto [to, from] : llvm::enumerate(op.getPerm()))
    inverse[from] = to;
  g.to(op.getX(), [&] { return g.transpose(g.of(op.getY()), inverse); });
}

/// Zeros around the cut, for cuts of known places with steps of one.
Value aroundSlice(SliceOp op, Gradients &g) {
  auto starts = constantInts(op.getStarts()), ends = constantInts(op.getEnds());
  if (!starts || !ends || starts->size() != op.getAxes().size() || ends->size() != starts->size())
    return {};
  Value result = g.of(op.getY());
  for (auto [axis, start, end, step] : llvm::zip_equal(op.getAxes(), *starts, *ends, op.getSteps())) {
    int64_t size = typeOf(op.getData()).getDimSize(axis);
    if (step != 1 || ShapedType::isDynamic(size))
      return {};
    auto place = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size); };
    int64_t first = place(start), last = std::max(first, place(end));
    result = g.pad(result, axis, first, size - last);
  }
  return result;
}

void slice(SliceOp op, Gradients &g) {
  g.to(op.getData(), [&] { return aroundSlice(op, g); });
}

/// Constants around the tensor, and the way back where there are crops.
void pad(PadOp op, Gradients &g) {
  auto pads = constantInts(op.getPads());
  if (!pads || op.getMode() != "constant")
    return;
  SmallVector<int64_t> back;
  for (int64_t size : *pads)
    back.push_back(-size);
  g.to(op.getData(), [&] { return g.make<PadOp>(g.of(op.getY()), g.ints(back), Value()); });
}

void concat(ConcatOp op, Gradients &g) {
  int64_t axis = op.getAxis(), at = 0;
  for (Value input : op.getInputs()) {
    int64_t size = typeOf(input).getDimSize(axis);
    if (ShapedType::isDynamic(size))
      return;
    g.to(input, [&] { return g.slice(g.of(op.getY()), axis, at, at + size); });
    at += size;
  }
}

void split(SplitOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    SmallVector<Value> parts;
    for (Value part : op.getYs())
      parts.push_back(g.of(part));
    return g.makeAs<ConcatOp>(typeOf(op.getX()).getElementType(), parts, op.getAxis());
  });
}

void expand(ExpandOp op, Gradients &g) {
  g.to(op.getX(), [&] { return g.of(op.getY()); });
}

/// How often each slice is repeated when `indices` are 0,0,…,1,1,…,n-1: all n in order, each as often; else zero.
int64_t repeatsOf(ArrayRef<int64_t> indices, int64_t n) {
  if (n <= 0 || indices.size() % n != 0)
    return 0;
  int64_t repeats = indices.size() / n;
  for (auto [i, index] : llvm::enumerate(indices))
    if (index != static_cast<int64_t>(i) / repeats)
      return 0;
  return repeats;
}

/// The sums of each `repeats` neighbours along `axis`.
Value sumNeighbours(Value value, int64_t axis, int64_t repeats, Gradients &g) {
  SmallVector<Size> sizes = sizesOf(value);
  sizes[axis] = typeOf(value).getDimSize(axis) / repeats;
  sizes.insert(sizes.begin() + axis + 1, repeats);
  return g.sum(g.reshape(value, sizes), axis + 1, /*keepdims=*/false);
}

/// Adds the slices to where they come from: the index dims and then `axis` are brought to the front and back.
Value scatter(GatherOp op, Gradients &g) {
  int64_t axis = op.getAxis(), rank = rankOf(op.getData()), width = rankOf(op.getIndices());
  SmallVector<int64_t> toFront = llvm::to_vector(llvm::seq(axis, axis + width)), back;
  for (int64_t dim = 0; dim < rankOf(op.getY()); ++dim)
    if (dim < axis || dim >= axis + width)
      toFront.push_back(dim);
  SmallVector<Size> sizes{{op.getData(), axis}};
  for (int64_t dim = 0; dim < rank; ++dim) {
    back.push_back(dim < axis ? dim + 1 : dim == axis ? 0 : dim);
    if (dim != axis)
      sizes.push_back({op.getData(), dim});
  }
  Value zeros = g.zeros(sizes, typeOf(op.getData()).getElementType());
  Value tuples = g.make<UnsqueezeOp>(op.getIndices(), ArrayRef<int64_t>{width});
  Value sum = g.make<ScatterNDOp>(zeros, tuples, g.transpose(g.of(op.getY()), toFront), "add");
  return axis == 0 ? sum : g.transpose(sum, back);
}

void gather(GatherOp op, Gradients &g) {
  g.to(op.getData(), [&] {
    auto indices = constantInts(op.getIndices());
    int64_t repeats = indices && rankOf(op.getIndices()) == 1 ? repeatsOf(*indices, typeOf(op.getData()).getDimSize(op.getAxis())) : 0;
    return repeats ? sumNeighbours(g.of(op.getY()), op.getAxis(), repeats, g) : scatter(op, g);
  });
}

} // namespace

void qopt::nn::addMoveGradients(GradientTable &table) {
  table.add<ReshapeOp>(reshape);
  table.add<FlattenOp>(reshape);
  table.add<SqueezeOp>(reshape);
  table.add<UnsqueezeOp>(reshape);
  table.add<TransposeOp>(transpose);
  table.add<SliceOp>(slice);
  table.add<PadOp>(pad);
  table.add<ConcatOp>(concat);
  table.add<SplitOp>(split);
  table.add<ExpandOp>(expand);
  table.add<GatherOp>(gather);
  table.stop<ShapeOp, SizeOp>();
}
