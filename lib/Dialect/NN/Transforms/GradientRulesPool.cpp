// Gradients of pools and of reductions to extremes. Elements that share an extreme share its gradient.
#include "GradientWindows.h"

using namespace mlir;
using namespace qopt::nn;

namespace {

/// 1 where both are equal, else 0.
Term isEqual(Value x, Value y, Gradients &g) {
  return {g, g.cast(g.makeAs<EqualOp>(g.b.getI1Type(), x, y), typeOf(x).getElementType())};
}

template <typename Op> std::optional<Windows> windowsOf(Op op) {
  auto windows = Windows::over(op.getX(), op.getKernelShape(), op.getStrides(), op.getDilations(), op.getPads(), op.getAutoPad(), op.getLayout());
  if (windows && op.getCeilMode()) // The last windows may reach beyond the pads.
    for (auto [i, stride] : llvm::enumerate(windows->strides))
      windows->pads[i + windows->spatial()] += stride - 1;
  return windows;
}

/// Sums of what `ofTap` gives each tap, at the pixels it sees.
Value gather(const Windows &windows, llvm::function_ref<Value(const Windows::Tap &)> ofTap, Gradients &g) {
  Value sum;
  for (const Windows::Tap &tap : windows.taps()) {
    Value placed = windows.placed(windows.spread(ofTap(tap), g), tap, g);
    sum = sum ? g.make<AddOp>(sum, placed) : placed;
  }
  return windows.cropped(sum, ArrayRef(windows.pads).take_front(windows.spatial()), g);
}

void maxPool(MaxPoolOp op, Gradients &g) {
  auto windows = windowsOf(op);
  if (!windows)
    return;
  g.to(op.getX(), [&] {
    Value y = op.getY(), lowest = g.number(-std::numeric_limits<double>::infinity(), typeOf(y).getElementType());
    Value padded = windows->padded(op.getX(), lowest, g);
    auto isChosen = [&](const Windows::Tap &tap) { return isEqual(windows->seen(padded, tap, y, g), y, g); };
    SmallVector<Windows::Tap> taps = windows->taps();
    Term chosen = isChosen(taps[0]);
    for (const Windows::Tap &tap : ArrayRef(taps).drop_front())
      chosen = chosen + isChosen(tap);
    Term share = Term(g, g.of(y)) / chosen;
    return gather(*windows, [&](const Windows::Tap &tap) { return share * isChosen(tap); }, g);
  });
}

/// How many pixels each window is a mean of.
Value countOf(AveragePoolOp op, const Windows &windows, Gradients &g) {
  Value y = op.getY();
  Type element = typeOf(y).getElementType();
  int64_t all = 1;
  for (int64_t size : windows.kernel)
    all *= size;
  if (!windows.isPadded() || (op.getCountIncludePad() && !op.getCeilMode()))
    return g.number(static_cast<double>(all), element);
  SmallVector<Size> sizes = sizesOf(op.getX());
  sizes[0] = sizes[1] = 1;
  Windows inside = windows, overhang = windows;
  for (auto [now, own] : llvm::zip(inside.pads, op.getPads()))
    now = op.getCountIncludePad() ? own : 0;
  for (auto [now, own] : llvm::zip(overhang.pads, inside.pads))
    now -= own;
  Value ones = Term(g, g.zeros(sizes, element)) + Term(g, g.number(1, element));
  Value padded = overhang.padded(inside.padded(ones, g.number(1, element), g), {}, g), sum;
  for (const Windows::Tap &tap : windows.taps()) {
    Value seen = windows.seen(padded, tap, y, g);
    sum = sum ? g.make<AddOp>(sum, seen) : seen;
  }
  return sum;
}

void averagePool(AveragePoolOp op, Gradients &g) {
  auto windows = windowsOf(op);
  if (!windows)
    return;
  g.to(op.getX(), [&] {
    Value share = Term(g, g.of(op.getY())) / Term(g, countOf(op, *windows, g));
    return gather(*windows, [&](const Windows::Tap &) { return share; }, g);
  });
}

template <typename Op> void extreme(Op op, Gradients &g) {
  g.to(op.getX(), [&] {
    auto kept = [&](Value value) {
      SmallVector<int64_t> axes(op.getAxes());
      llvm::sort(axes);
      return Term(g, op.getKeepdims() || axes.empty() ? value : g.make<UnsqueezeOp>(value, axes));
    };
    Term chosen = isEqual(op.getX(), kept(op.getY()), g);
    return chosen * (kept(g.of(op.getY())) / Term(g, g.sum(chosen, op.getAxes())));
  });
}

} // namespace

void qopt::nn::addPoolGradients(GradientTable &table) {
  table.add<MaxPoolOp>(maxPool);
  table.add<AveragePoolOp>(averagePool);
  table.add<ReduceMaxOp>(extreme<ReduceMaxOp>);
  table.add<ReduceMinOp>(extreme<ReduceMinOp>);
}
