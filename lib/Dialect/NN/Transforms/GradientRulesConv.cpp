// Gradients of convolutions: by the input a convolution with the weight turned around, by the weight a product for each tap.
#include "GradientWindows.h"

using namespace mlir;
using namespace qopt::nn;

namespace {

/// [N, groups · c, spatial…] as groups × c × all the rest.
Value channelRows(Value value, int64_t groups, Gradients &g) {
  SmallVector<Size> sizes = sizesOf(value);
  int64_t each = sizes[1].number / groups;
  sizes[1] = groups;
  sizes.insert(sizes.begin() + 2, each);
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, sizes.size()));
  perm[0] = 1, perm[1] = 2, perm[2] = 0;
  return g.make<ReshapeOp>(g.transpose(g.reshape(value, sizes), perm), g.ints({groups, each, -1}), /*allowzero=*/false);
}

/// The gradient of a weight, rows × columns / group × kernel, of which each element is a factor between a pixel of `rows` and the pixel
/// of windows.x (the columns) that its tap sees there.
Value weightGradient(const Windows &windows, Value rows, Value w, int64_t group, Gradients &g) {
  if (!typeOf(w).hasStaticShape() || typeOf(rows).isDynamicDim(1) || typeOf(windows.x).isDynamicDim(1))
    return {};
  Value left = channelRows(rows, group, g), padded = windows.padded(windows.x, {}, g);
  bool isElementwise = typeOf(left).getDimSize(1) == 1 && typeOf(w).getDimSize(1) == 1;
  SmallVector<Value> parts;
  for (const Windows::Tap &tap : windows.taps()) {
    Value right = channelRows(windows.seen(padded, tap, rows, g), group, g);
    Value part = isElementwise ? g.sum(Term(g, left) * Term(g, right), 2) : g.make<MatMulOp>(left, g.transposed(right));
    parts.push_back(g.make<UnsqueezeOp>(part, ArrayRef<int64_t>{3}));
  }
  Value all = parts.size() == 1 ? parts[0] : g.makeAs<ConcatOp>(typeOf(w).getElementType(), parts, 3);
  return g.reshapeLike(all, w);
}

/// Outputs and inputs exchanged, the kernel back to front.
Value turned(Value w, int64_t group, Gradients &g) {
  ArrayRef<int64_t> shape = typeOf(w).getShape();
  int64_t rank = shape.size(), outputs = shape[0] / group, inputs = shape[1];
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank + 1)), kernel(shape.drop_front(2));
  if (llvm::any_of(kernel, [](int64_t size) { return size != 1; })) {
    SmallVector<int64_t> last(kernel.size(), -1), back(kernel.size(), -1), end;
    for (int64_t size : kernel)
      end.push_back(-size - 1);
    w = g.make<SliceOp>(w, g.ints(last), g.ints(end), llvm::to_vector(llvm::seq<int64_t>(2, rank)), back);
  }
  std::swap(perm[1], perm[2]);
  SmallVector<Size> split{group, outputs, inputs}, joined{group * inputs, outputs};
  split.append(kernel.begin(), kernel.end());
  joined.append(kernel.begin(), kernel.end());
  return g.reshape(g.transpose(g.reshape(w, split), perm), joined);
}

Value inputGradient(const Windows &windows, Value w, Value dy, int64_t group, Gradients &g) {
  size_t n = windows.spatial();
  if (!typeOf(w).hasStaticShape() || typeOf(w).getDimSize(0) % group != 0)
    return {};
  SmallVector<int64_t> pads(2 * n), begins(n);
  for (size_t i = 0; i < 2 * n; ++i)
    pads[i] = std::max<int64_t>(windows.reach(i % n) - 1 - windows.pads[i], 0);
  for (size_t i = 0; i < n; ++i) // Wider pads than the kernel reaches: the convolution makes gradients of some of their pixels.
    begins[i] = std::max<int64_t>(windows.pads[i] - windows.reach(i) + 1, 0);
  auto dx = g.make<ConvOp>(windows.spread(dy, g), turned(w, group, g), Value(), SmallVector<int64_t>(n, 1), windows.dilations, pads, group);
  auto isExact = [&](size_t i) { return windows.strides[i] == 1 && begins[i] == 0 && windows.pads[i + n] < windows.reach(i); };
  return llvm::all_of(llvm::seq<size_t>(0, n), isExact) ? dx : windows.cropped(dx, begins, g);
}

Value biasGradient(Value dy, Gradients &g) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(dy)));
  axes.erase(axes.begin() + 1);
  return g.sum(dy, axes, /*keepdims=*/false);
}

void conv(ConvOp op, Gradients &g) {
  Value x = op.getX(), w = op.getW(), dy = g.of(op.getY());
  int64_t group = op.getGroup();
  auto windows = Windows::over(x, typeOf(w).getShape().drop_front(2), op.getStrides(), op.getDilations(), op.getPads(), op.getAutoPad(),
                               op.getLayout());
  if (!windows)
    return;
  g.to(x, [&] { return inputGradient(*windows, w, dy, group, g); });
  g.to(w, [&] { return weightGradient(*windows, dy, w, group, g); });
  if (op.getB())
    g.to(op.getB(), [&] { return biasGradient(dy, g); });
}

/// The other way round: the windows slide over y, and x has a pixel for each.
void convTranspose(ConvTransposeOp op, Gradients &g) {
  Value x = op.getX(), w = op.getW(), dy = g.of(op.getY());
  int64_t group = op.getGroup();
  auto windows = Windows::over(dy, typeOf(w).getShape().drop_front(2), op.getStrides(), op.getDilations(), op.getPads(), "NOTSET", op.getLayout());
  if (!windows || llvm::any_of(llvm::zip(op.getOutputPadding(), op.getStrides()), [](auto pair) { return std::get<0>(pair) >= std::get<1>(pair); }))
    return;
  g.to(x, [&] { return g.make<ConvOp>(dy, w, Value(), op.getStrides(), op.getDilations(), op.getPads(), group); });
  g.to(w, [&] { return weightGradient(*windows, x, w, group, g); });
  if (op.getB())
    g.to(op.getB(), [&] { return biasGradient(dy, g); });
}

} // namespace

void qopt::nn::addConvGradients(GradientTable &table) {
  table.add<ConvOp>(conv);
  table.add<ConvTransposeOp>(convTranspose);
}
