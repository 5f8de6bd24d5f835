#include "GradientWindows.h"

using namespace mlir;
using namespace qopt::nn;

std::optional<Windows> Windows::over(Value x, ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations,
                                     ArrayRef<int64_t> pads, StringRef autoPad, StringRef layout) {
  Windows w;
  w.x = x;
  w.kernel.assign(kernel.begin(), kernel.end());
  w.strides.assign(strides.begin(), strides.end());
  w.dilations.assign(dilations.begin(), dilations.end());
  w.pads.assign(pads.begin(), pads.end());
  if (layout != "NCX" || llvm::any_of(kernel, ShapedType::isDynamic))
    return std::nullopt;
  if (autoPad == "NOTSET")
    return w;
  for (size_t i = 0; i < w.spatial(); ++i) { // With a stride of one it does not depend on the size.
    if (strides[i] != 1)
      return std::nullopt;
    int64_t all = w.reach(i) - 1, less = all / 2;
    w.pads[i] = autoPad == "SAME_UPPER" ? less : all - less;
    w.pads[i + w.spatial()] = all - w.pads[i];
  }
  return w;
}

SmallVector<Windows::Tap> Windows::taps() const {
  SmallVector<Tap> all{Tap()};
  for (size_t i = 0; i < spatial(); ++i) {
    SmallVector<Tap> longer;
    for (const Tap &tap : all)
      for (int64_t k = 0; k < kernel[i]; ++k)
        longer.emplace_back(tap).push_back(k * dilations[i]);
    all = std::move(longer);
  }
  return all;
}

/// Pads (or crops, where negative) of the spatial dims.
static Value padSpatial(Value value, ArrayRef<int64_t> begins, ArrayRef<int64_t> ends, Value fill, Gradients &g) {
  auto isZero = [](int64_t pad) { return pad == 0; };
  if (llvm::all_of(begins, isZero) && llvm::all_of(ends, isZero))
    return value;
  SmallVector<int64_t> pads(2);
  pads.append(begins.begin(), begins.end());
  pads.append(2, 0);
  pads.append(ends.begin(), ends.end());
  return g.make<PadOp>(value, g.ints(pads), fill);
}

Value Windows::padded(Value x, Value fill, Gradients &g) const {
  ArrayRef<int64_t> all = pads;
  return padSpatial(x, all.take_front(spatial()), all.drop_front(spatial()), fill, g);
}

Value Windows::seen(Value padded, const Tap &tap, Value y, Gradients &g) const {
  bool isAll = llvm::all_of(llvm::seq<size_t>(0, spatial()), [&](size_t i) { return reach(i) == 1 && strides[i] == 1; });
  if (isAll)
    return padded;
  ArrayRef<int64_t> counts = typeOf(y).getShape().drop_front(2);
  SmallVector<int64_t> last, ends; // last: what to add to counts times strides
  for (auto [at, stride, count] : llvm::zip(tap, strides, counts)) {
    last.push_back(at + 1 - stride);
    ends.push_back(count * stride + last.back());
  }
  Value end;
  if (llvm::none_of(counts, ShapedType::isDynamic))
    end = g.ints(ends);
  else
    end = (Term(g, g.makeAs<ShapeOp>(g.b.getI64Type(), y, 2, rankOf(y))) * Term(g, g.ints(strides)) + Term(g, g.ints(last))).value;
  return g.make<SliceOp>(padded, g.ints(tap), end, axes(), strides);
}

Value Windows::spread(Value dy, Gradients &g) const {
  for (auto [i, stride] : llvm::enumerate(strides)) {
    if (stride == 1)
      continue;
    int64_t dim = 2 + i;
    SmallVector<Size> sizes = sizesOf(dy);
    sizes[dim] = sizes[dim].isKnown() ? sizes[dim].number * stride : -1;
    dy = g.reshape(g.pad(g.make<UnsqueezeOp>(dy, ArrayRef<int64_t>{dim + 1}), dim + 1, 0, stride - 1), sizes);
  }
  return dy;
}

Value Windows::placed(Value spread, const Tap &tap, Gradients &g) const {
  SmallVector<int64_t> behind;
  for (auto [i, at] : llvm::enumerate(tap))
    behind.push_back(reach(i) - 1 - at);
  return padSpatial(spread, tap, behind, {}, g);
}

Value Windows::cropped(Value frame, ArrayRef<int64_t> begins, Gradients &g) const {
  ArrayRef<int64_t> sizes = typeOf(x).getShape().drop_front(2), now = typeOf(frame).getShape().drop_front(2);
  bool isWhole = llvm::all_of(begins, [](int64_t at) { return at == 0; });
  bool isSized = llvm::none_of(sizes, ShapedType::isDynamic);
  if (isWhole && (isSized ? sizes == now : llvm::all_of(strides, [](int64_t stride) { return stride == 1; }) && !isPadded()))
    return frame;
  SmallVector<int64_t> ends;
  for (auto [begin, size] : llvm::zip(begins, sizes))
    ends.push_back(begin + size);
  Value end = g.ints(ends);
  if (!isSized)
    end = Term(g, g.makeAs<ShapeOp>(g.b.getI64Type(), x, 2, rankOf(x))) + Term(g, g.ints(begins));
  Value cut = g.make<SliceOp>(frame, g.ints(begins), end, axes(), SmallVector<int64_t>(spatial(), 1));
  return g.reshapeLike(cut, x);
}
