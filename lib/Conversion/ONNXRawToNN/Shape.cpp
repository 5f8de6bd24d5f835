// Ops that reshape, cut, join and create.
#include "Node.h"

#include "qopt/Dialect/NN/IR/HostValues.h"

using namespace mlir;
using namespace qopt;

namespace {
LogicalResult constant(Node &n) {
  for (StringRef name : {"value", "value_int", "value_ints", "value_float", "value_floats"}) {
    Attribute value = n.attr(name);
    if (!value)
      continue;
    if (auto elements = dyn_cast<ElementsAttr>(value))
      return n.one(n.constant(elements));
    if (auto number = dyn_cast<IntegerAttr>(value))
      return n.one(n.constant(DenseElementsAttr::get(RankedTensorType::get({}, n.i64()), Attribute(number))));
    if (auto number = dyn_cast<FloatAttr>(value))
      return n.one(n.constant(DenseElementsAttr::get(RankedTensorType::get({}, n.f32()), Attribute(number))));
    if (auto list = dyn_cast<DenseI64ArrayAttr>(value))
      return n.one(n.constantInts(list.asArrayRef()));
    if (auto list = dyn_cast<DenseF32ArrayAttr>(value))
      return n.one(n.constant(DenseElementsAttr::get(RankedTensorType::get({static_cast<int64_t>(list.size())}, n.f32()),
                                                     list.asArrayRef())));
  }
  return n.unsupported("its value is sparse or a string");
}

LogicalResult constantOfShape(Node &n) {
  auto value = dyn_cast_or_null<DenseElementsAttr>(n.attr("value"));
  if (n.hasAttr("value") && (!value || value.getNumElements() != 1))
    return n.fail("has a value that is not one element");
  auto type = RankedTensorType::get({}, value ? value.getElementType() : n.f32());
  DenseElementsAttr scalar = value ? value.reshape(type) : DenseElementsAttr::get(type, n.b.getZeroAttr(n.f32()));
  Value shape = n.cast(n.in(0), n.i64());
  if (auto dims = nn::constantInts(shape, 64)) {
    if (llvm::any_of(*dims, [](int64_t dim) { return dim < 0; }))
      return n.fail("asks for a negative dim");
    if (auto count = countElements(*dims); !count)
      return n.fail("asks for a shape too large: " + llvm::toString(count.takeError()));
    return n.one(n.constant(DenseElementsAttr(scalar.resizeSplat(RankedTensorType::get(*dims, type.getElementType())))));
  }
  return n.one(n.make<nn::ConstantOfShapeOp>(type.getElementType(), {shape}, n.attrs().add("value", scalar)));
}

LogicalResult reshape(Node &n) {
  Value x = n.in(0);
  if (auto shape = n.ints("shape"))
    return n.one(n.reshape(x, *shape));
  return n.one(n.make<nn::ReshapeOp>(n.elem(x), {x, n.cast(n.in(1), n.i64())}, n.attrs().b("allowzero", n.flag("allowzero", false))));
}

LogicalResult flatten(Node &n) {
  Value x = n.in(0);
  int64_t axis = n.i("axis", 1), rank = n.rank(x);
  axis = axis == rank ? rank : n.axis(axis, rank);
  return n.one(n.make<nn::FlattenOp>(n.elem(x), {x}, n.attrs().i("axis", axis)));
}

LogicalResult transpose(Node &n) {
  Value x = n.in(0);
  Dims perm;
  for (int64_t i = n.rank(x); i-- > 0;)
    perm.push_back(i);
  perm = n.axes(n.ints("perm").value_or(perm), n.rank(x));
  return n.failed() ? failure() : n.one(n.transpose(x, perm));
}

LogicalResult squeeze(Node &n) {
  Value x = n.in(0);
  auto axes = n.intsOf("axes", 1);
  if (n.failed())
    return failure();
  if (!axes) {
    if (llvm::any_of(n.dims(x), ShapedType::isDynamic))
      return n.unsupported("drops dims of size one of a shape that is not static");
    axes.emplace();
    for (auto [i, dim] : llvm::enumerate(n.dims(x)))
      if (dim == 1)
        axes->push_back(i);
  }
  Dims sorted = n.axes(*axes, n.rank(x));
  llvm::sort(sorted);
  return n.one(n.make<nn::SqueezeOp>(n.elem(x), {x}, n.attrs().ints("axes", sorted)));
}

LogicalResult unsqueeze(Node &n) {
  Value x = n.in(0);
  auto axes = n.intsOf("axes", 1);
  if (!axes)
    return n.failed() ? failure() : n.fail("has no axes");
  Dims sorted = n.axes(*axes, n.rank(x) + axes->size());
  llvm::sort(sorted);
  return n.failed() ? failure() : n.one(n.unsqueeze(x, sorted));
}

LogicalResult concat(Node &n) {
  Value first = n.in(0);
  for (size_t i = 0; i < n.numInputs(); ++i)
    if (n.elem(n.in(i)) != n.elem(first))
      return n.fail("joins tensors of different element types");
  return n.one(n.make<nn::ConcatOp>(n.elem(first), n.all(), n.attrs().i("axis", n.axis(n.i("axis", 1), n.rank(first)))));
}

LogicalResult split(Node &n) {
  Value x = n.in(0);
  auto sizes = n.intsOf("split", 1);
  if (n.failed())
    return failure();
  int64_t axis = n.axis(n.i("axis", 0), n.rank(x));
  if (n.hasAttr("num_outputs") && n.i("num_outputs", 0) != static_cast<int64_t>(n.numOutputs()))
    return n.fail("has " + Twine(n.numOutputs()) + " outputs, but num_outputs says " + Twine(n.i("num_outputs", 0)));
  Attrs attrs = n.attrs();
  attrs.i("axis", axis);
  if (sizes)
    attrs.ints("split", *sizes);
  if (n.numOutputs() == 0)
    return n.fail("has no outputs");
  SmallVector<Type> types(n.numOutputs(), n.elem(x));
  for (auto [i, value] : llvm::enumerate(n.makeMany<nn::SplitOp>(types, {x}, attrs)))
    n.set(i, value);
  return n.done();
}

LogicalResult slice(Node &n) {
  Value x = n.in(0);
  Value starts, ends;
  std::optional<Dims> axes, steps;
  if (n.hasAttr("starts") && n.hasAttr("ends")) {
    auto from = n.ints("starts"), to = n.ints("ends");
    starts = n.constantInts(from.value_or(Dims())), ends = n.constantInts(to.value_or(Dims()));
    axes = n.ints("axes");
  } else {
    starts = n.cast(n.in(1), n.i64()), ends = n.cast(n.in(2), n.i64());
    axes = n.constantIntsOf(3, "axes"), steps = n.constantIntsOf(4, "steps");
  }
  if (n.failed() || n.rank(starts) != 1 || n.rank(ends) != 1)
    return n.failed() ? failure() : n.fail("has starts or ends that are no vectors");
  int64_t count = n.dims(starts)[0];
  if (ShapedType::isDynamic(count) && !axes)
    return n.unsupported("the number of axes that it cuts is not known");
  if (!axes) {
    axes.emplace();
    for (int64_t i = 0; i < count && i < n.rank(x); ++i)
      axes->push_back(i);
  }
  if (!steps)
    steps = Dims(axes->size(), 1);
  return n.one(n.make<nn::SliceOp>(n.elem(x), {x, starts, ends},
                                   n.attrs().ints("axes", n.axes(*axes, n.rank(x))).ints("steps", *steps)));
}

/// Pads for all dims from pads for `axes`: each dim picks its own, or the zero that is appended.
Value spreadPads(Node &n, Value pads, ArrayRef<int64_t> axes, int64_t rank) {
  int64_t count = axes.size();
  Dims pick(2 * rank, 2 * count);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    pick[axis] = i;
    pick[axis + rank] = i + count;
  }
  Value withZero = n.make<nn::ConcatOp>(n.i64(), {pads, n.constantInts({0})}, n.attrs().i("axis", 0));
  return n.make<nn::GatherOp>(n.i64(), {withZero, n.constantInts(pick)}, n.attrs().i("axis", 0));
}

LogicalResult pad(Node &n) {
  Value x = n.in(0), value = n.optional(2);
  std::string mode = n.s("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return n.fail("has the unknown mode '" + mode + "'");
  Value pads;
  if (auto given = n.ints("pads"))
    pads = n.constantInts(*given);
  else
    pads = n.cast(n.in(1), n.i64());
  if (n.hasAttr("value"))
    value = n.scalar(n.elem(x), n.f("value", 0));
  auto axes = n.constantIntsOf(3, "axes");
  if (n.failed() || n.rank(pads) != 1)
    return n.failed() ? failure() : n.fail("has pads that are no vector");
  if (axes) {
    Dims normal = n.axes(*axes, n.rank(x));
    int64_t size = n.dims(pads)[0];
    if (n.failed() || size != static_cast<int64_t>(2 * normal.size()))
      return n.failed() ? failure() : n.fail("has pads for another number of dims than its axes");
    pads = spreadPads(n, pads, normal, n.rank(x));
  }
  if (value && n.rank(value) != 0)
    value = n.reshape(value, {});
  return n.one(n.make<nn::PadOp>(n.elem(x), {x, pads, mode == "constant" ? value : Value()}, n.attrs().s("mode", mode)));
}

LogicalResult expand(Node &n) { return n.one(n.make<nn::ExpandOp>(n.elem(n.in(0)), {n.in(0), n.cast(n.in(1), n.i64())})); }
LogicalResult tile(Node &n) { return n.one(n.make<nn::TileOp>(n.elem(n.in(0)), {n.in(0), n.cast(n.in(1), n.i64())})); }

LogicalResult shape(Node &n) {
  int64_t rank = n.rank(n.in(0)), start = n.i("start", 0), end = n.hasAttr("end") ? n.i("end", 0) : rank;
  auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  return n.one(n.make<nn::ShapeOp>(n.i64(), {n.in(0)}, n.attrs().i("start", clamp(start)).i("end", clamp(end))));
}

LogicalResult size(Node &n) {
  auto type = n.type(n.in(0));
  if (type.hasStaticShape())
    return n.one(n.scalar(n.i64(), static_cast<double>(type.getNumElements())));
  return n.one(n.make<nn::SizeOp>(n.i64(), {n.in(0)}));
}

LogicalResult range(Node &n) { return n.one(n.make<nn::RangeOp>(n.elem(n.in(0)), {n.in(0), n.in(1), n.in(2)})); }

LogicalResult eyeLike(Node &n) {
  int64_t dtype = n.i("dtype", 0);
  Type element = n.elem(n.in(0));
  if (n.hasAttr("dtype"))
    element = isKnownDType(dtype) ? nn::elementTypeOf(static_cast<DType>(dtype), n.b.getContext()) : Type();
  if (!element)
    return n.unsupported("its element type is " + Twine(dtype));
  if (n.rank(n.in(0)) != 2)
    return n.fail("needs a matrix");
  return n.one(n.make<nn::EyeLikeOp>(element, {n.in(0)}, n.attrs().i("k", n.i("k", 0))));
}

LogicalResult oneHot(Node &n) {
  Value indices = n.in(0);
  return n.one(n.make<nn::OneHotOp>(n.elem(n.in(2)), {indices, n.in(1), n.in(2)},
                                    n.attrs().i("axis", n.axis(n.i("axis", -1), n.rank(indices) + 1))));
}

LogicalResult trilu(Node &n) {
  if (n.rank(n.in(0)) < 2)
    return n.fail("needs matrices");
  return n.one(n.make<nn::TriluOp>(n.elem(n.in(0)), {n.in(0), n.optional(1)}, n.attrs().b("upper", n.flag("upper", true))));
}

LogicalResult depthToSpace(Node &n) {
  return n.one(n.make<nn::DepthToSpaceOp>(n.elem(n.in(0)), {n.in(0)},
                                          n.attrs().i("blocksize", n.i("blocksize", 0)).s("mode", n.s("mode", "DCR"))));
}
LogicalResult spaceToDepth(Node &n) {
  if (n.s("mode", "DCR") != "DCR")
    return n.fail("has mode " + n.s("mode", "DCR") + "; only DCR is supported");
  return n.one(n.make<nn::SpaceToDepthOp>(n.elem(n.in(0)), {n.in(0)}, n.attrs().i("blocksize", n.i("blocksize", 0))));
}
} // namespace

void qopt::addShape(Handlers &t) {
  t["/Constant"] = constant, t["/ConstantOfShape"] = constantOfShape, t["/Reshape"] = reshape, t["/Flatten"] = flatten;
  t["/Transpose"] = transpose, t["/Squeeze"] = squeeze, t["/Unsqueeze"] = unsqueeze, t["/Concat"] = concat, t["/Split"] = split;
  t["/Slice"] = slice, t["/Pad"] = pad, t["/Expand"] = expand, t["/Tile"] = tile, t["/Shape"] = shape, t["/Size"] = size;
  t["/Range"] = range, t["/EyeLike"] = eyeLike, t["/OneHot"] = oneHot, t["/Trilu"] = trilu;
  t["/DepthToSpace"] = depthToSpace, t["/SpaceToDepth"] = spaceToDepth;
}
