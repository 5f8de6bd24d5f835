// Matrix products, convolutions, einsum.
#include "Windows.h"

using namespace mlir;
using namespace qopt;

std::optional<Window> qopt::readWindow(Node &n, ArrayRef<int64_t> x, ArrayRef<int64_t> kernel) {
  size_t spatial = x.size();
  Window w;
  auto read = [&](StringRef name, size_t size, int64_t otherwise, int64_t least) {
    Dims values = n.ints(name).value_or(Dims(size, otherwise));
    if (values.size() != size)
      (void)n.fail("has " + Twine(values.size()) + " " + name + " for " + Twine(spatial) + " spatial dims");
    else if (llvm::any_of(values, [&](int64_t v) { return v < least || v > (int64_t(1) << 40); }))
      (void)n.fail("has " + name + " out of range");
    return values.size() == size ? values : Dims(size, otherwise);
  };
  if (kernel.empty())
    w.kernel = read("kernel_shape", spatial, 1, 1);
  else
    w.kernel.assign(kernel.begin(), kernel.end());
  if (!kernel.empty() && n.hasAttr("kernel_shape"))
    for (auto [mine, given] : llvm::zip(w.kernel, read("kernel_shape", spatial, 1, 1)))
      if (!ShapedType::isDynamic(mine) && mine != given)
        (void)n.fail("has a kernel_shape that is not its weight's");
  w.strides = read("strides", spatial, 1, 1);
  w.dilations = read("dilations", spatial, 1, 1);
  w.pads = read("pads", 2 * spatial, 0, 0);
  std::string autoPad = n.s("auto_pad", "NOTSET");
  if (autoPad == "VALID" || autoPad == "NOTSET" || autoPad.empty()) {
    if (autoPad == "VALID")
      w.pads.assign(2 * spatial, 0);
  } else if (autoPad != "SAME_UPPER" && autoPad != "SAME_LOWER") {
    (void)n.fail("has the unknown auto_pad '" + autoPad + "'");
  } else if (llvm::any_of(x, ShapedType::isDynamic) || llvm::any_of(w.kernel, ShapedType::isDynamic)) {
    w.autoPad = autoPad;
    w.pads.assign(2 * spatial, 0);
  } else {
    for (size_t i = 0; i < spatial && !n.failed(); ++i) {
      int64_t out = (x[i] + w.strides[i] - 1) / w.strides[i];
      int64_t total = std::max<int64_t>(0, (out - 1) * w.strides[i] + (w.kernel[i] - 1) * w.dilations[i] + 1 - x[i]);
      int64_t less = total / 2, more = total - less;
      w.pads[i] = autoPad == "SAME_UPPER" ? less : more;
      w.pads[i + spatial] = autoPad == "SAME_UPPER" ? more : less;
    }
  }
  return n.failed() ? std::nullopt : std::optional(w);
}

Attrs &qopt::addWindow(Attrs &attrs, const Window &w) {
  attrs.ints("strides", w.strides).ints("dilations", w.dilations).ints("pads", w.pads);
  return w.autoPad == "NOTSET" ? attrs : attrs.s("auto_pad", w.autoPad);
}

namespace {
LogicalResult matmul(Node &n) {
  if (n.elem(n.in(0)) != n.elem(n.in(1)))
    return n.fail("has operands of different element types");
  return n.one(n.make<nn::MatMulOp>(n.elem(n.in(0)), {n.in(0), n.in(1)}));
}

LogicalResult gemm(Node &n) {
  return n.one(n.make<nn::GemmOp>(n.elem(n.in(0)), {n.in(0), n.in(1), n.optional(2)},
                                  n.attrs().f("alpha", n.f("alpha", 1)).f("beta", n.f("beta", 1))
                                      .b("transA", n.flag("transA", false)).b("transB", n.flag("transB", false))));
}

bool isConvRank(Node &n, Value x, Value w) {
  if (n.rank(x) >= 3 && n.rank(w) == n.rank(x))
    return true;
  (void)n.fail("convolves ranks " + Twine(n.rank(x)) + " and " + Twine(n.rank(w)) + "; it needs one rank of at least 3");
  return false;
}

LogicalResult conv(Node &n) {
  Value x = n.in(0), w = n.in(1);
  if (!isConvRank(n, x, w))
    return failure();
  auto window = readWindow(n, n.dims(x).drop_front(2), n.dims(w).drop_front(2));
  if (!window)
    return failure();
  Attrs attrs = n.attrs();
  addWindow(attrs, *window).i("group", n.i("group", 1));
  return n.one(n.make<nn::ConvOp>(n.elem(x), {x, w, n.optional(2)}, attrs));
}

/// Pads of a transposed convolution from the output that is asked for, by ONNX's formula.
LogicalResult transposePads(Node &n, Value x, Window &w, Dims &outputPadding) {
  std::string autoPad = n.s("auto_pad", "NOTSET");
  auto shape = n.ints("output_shape");
  size_t spatial = w.kernel.size();
  if (!shape && !StringRef(autoPad).starts_with("SAME"))
    return success();
  if (shape && shape->size() == spatial + 2) // some exporters give the whole shape
    shape->erase(shape->begin(), shape->begin() + 2);
  if (shape && shape->size() != spatial)
    return n.fail("has an output_shape of another rank than its input's spatial dims");
  for (size_t i = 0; i < spatial; ++i) {
    int64_t in = n.dims(x)[2 + i];
    if (ShapedType::isDynamic(in) || ShapedType::isDynamic(w.kernel[i]))
      return n.unsupported("its pads follow from a dim that is not static");
    int64_t wanted = shape ? (*shape)[i] : in * w.strides[i];
    int64_t total = w.strides[i] * (in - 1) + outputPadding[i] + (w.kernel[i] - 1) * w.dilations[i] + 1 - wanted;
    if (total < 0) {
      outputPadding[i] -= total;
      total = 0;
    }
    int64_t less = total / 2, more = total - less;
    w.pads[i] = autoPad == "SAME_UPPER" ? less : more;
    w.pads[i + spatial] = autoPad == "SAME_UPPER" ? more : less;
  }
  w.autoPad = "NOTSET";
  return success();
}

LogicalResult convTranspose(Node &n) {
  Value x = n.in(0), w = n.in(1);
  if (!isConvRank(n, x, w))
    return failure();
  auto window = readWindow(n, n.dims(x).drop_front(2), n.dims(w).drop_front(2));
  if (!window)
    return failure();
  size_t spatial = window->kernel.size();
  Dims outputPadding = n.ints("output_padding").value_or(Dims(spatial, 0));
  if (outputPadding.size() != spatial || llvm::any_of(outputPadding, [](int64_t v) { return v < 0; }))
    return n.fail("has an output_padding that does not fit its spatial dims");
  if (failed(transposePads(n, x, *window, outputPadding)))
    return failure();
  Attrs attrs = n.attrs();
  addWindow(attrs, *window).ints("output_padding", outputPadding).i("group", n.i("group", 1));
  return n.one(n.make<nn::ConvTransposeOp>(n.elem(x), {x, w, n.optional(2)}, attrs));
}

LogicalResult einsum(Node &n) {
  std::string equation = n.s("equation", "");
  if (equation.empty())
    return n.fail("has no equation");
  for (size_t i = 0; i < n.numInputs(); ++i)
    n.in(i);
  return n.one(n.make<nn::EinsumOp>(n.elem(n.in(0)), n.all(), n.attrs().s("equation", equation)));
}
} // namespace

void qopt::addLinear(Handlers &t) {
  t["/MatMul"] = matmul, t["/Gemm"] = gemm, t["/Conv"] = conv, t["/ConvTranspose"] = convTranspose, t["/Einsum"] = einsum;
}
