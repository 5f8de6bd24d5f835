// com.microsoft's quantized ops, as ONNX Runtime's quantizer writes them.
#include "Quantize.h"
#include "Windows.h"

#include "qopt/Dialect/Qopt/IR/Qopt.h"

using namespace mlir;
using namespace qopt;

namespace {
/// Operand `i` with its scale and zero point behind it, in float.
Value floatOperand(Node &n, size_t i) { return dequantize(n, n.in(i), readParams(n, n.in(i), i + 1, i + 2, 1)); }

/// `y` by the scale and zero point at `scale`; the quantized type is `like`'s where there is no zero point.
LogicalResult finish(Node &n, Value y, size_t scale, Value like) {
  if (n.failed())
    return failure();
  QuantParams params = readParams(n, y, scale, scale + 1, 1);
  return n.one(quantize(n, y, params, params.zeroPoint ? n.elem(params.zeroPoint) : n.elem(like)));
}

template <typename Op> LogicalResult binary(Node &n) {
  Value a = floatOperand(n, 0), b = floatOperand(n, 3);
  return finish(n, n.make<Op>(n.elem(a), {a, b}), 6, n.in(0));
}

LogicalResult where(Node &n) {
  Value x = floatOperand(n, 1), y = floatOperand(n, 4);
  return finish(n, n.make<nn::WhereOp>(n.elem(x), {n.in(0), x, y}), 7, n.in(1));
}

LogicalResult concat(Node &n) {
  if (n.numInputs() < 5 || (n.numInputs() - 2) % 3 != 0)
    return n.fail("has " + Twine(n.numInputs()) + " operands; it needs a scale, a zero point and triples");
  SmallVector<Value> parts;
  for (size_t i = 2; i < n.numInputs(); i += 3)
    parts.push_back(floatOperand(n, i));
  if (n.failed())
    return failure();
  Value y = n.make<nn::ConcatOp>(n.elem(parts[0]), parts, n.attrs().i("axis", n.axis(n.i("axis", 1), n.rank(parts[0]))));
  return finish(n, y, 0, n.in(2));
}

bool isChannelsLast(Node &n) { return n.flag("channels_last", false); }

LogicalResult globalAveragePool(Node &n) {
  Value x = floatOperand(n, 0);
  bool last = isChannelsLast(n);
  Dims axes;
  for (int64_t i = last ? 1 : 2; i < n.rank(x) - (last ? 1 : 0); ++i)
    axes.push_back(i);
  return finish(n, n.make<nn::ReduceMeanOp>(n.elem(x), {x}, n.attrs().ints("axes", axes).b("keepdims", true)), 3, n.in(0));
}

LogicalResult averagePool(Node &n) {
  Value x = floatOperand(n, 0);
  if (isChannelsLast(n))
    return n.unsupported("its layout is channels last");
  if (n.rank(x) < 3 || !n.hasAttr("kernel_shape"))
    return n.fail("needs a kernel_shape and an input of rank 3 at least");
  auto window = readWindow(n, n.dims(x).drop_front(2), {});
  if (!window)
    return failure();
  Attrs attrs = n.attrs();
  addWindow(attrs, *window).ints("kernel_shape", window->kernel).b("ceil_mode", n.flag("ceil_mode", false))
      .b("count_include_pad", n.flag("count_include_pad", false));
  return finish(n, n.make<nn::AveragePoolOp>(n.elem(x), {x}, attrs), 3, n.in(0));
}

LogicalResult sigmoid(Node &n) {
  Value x = floatOperand(n, 0);
  return finish(n, n.make<nn::SigmoidOp>(n.elem(x), {x}), 3, n.in(0));
}

LogicalResult leakyRelu(Node &n) {
  Value x = floatOperand(n, 0);
  return finish(n, n.make<nn::LeakyReluOp>(n.elem(x), {x}, n.attrs().f("alpha", n.f("alpha", 0.01f))), 3, n.in(0));
}

LogicalResult softmax(Node &n) {
  Value x = floatOperand(n, 0);
  int64_t axis = n.axis(n.i("axis", -1), n.rank(x));
  if (n.i("opset", 13) < 13 && axis != n.rank(x) - 1)
    return n.unsupported("its softmax is the one before opset 13, over several dims");
  return finish(n, n.make<nn::SoftmaxOp>(n.elem(x), {x}, n.attrs().i("axis", axis)), 3, n.in(0));
}

LogicalResult reduceMean(Node &n) {
  Value x = floatOperand(n, 0);
  Dims axes = n.axes(n.ints("axes").value_or(Dims()), n.rank(x));
  for (int64_t i = 0; axes.empty() && i < n.rank(x); ++i)
    axes.push_back(i);
  llvm::sort(axes);
  return finish(n, n.make<nn::ReduceMeanOp>(n.elem(x), {x}, n.attrs().ints("axes", axes).b("keepdims", n.flag("keepdims", true))), 3,
                n.in(0));
}

/// (A, B, C with scales); without an output scale the result stays float.
LogicalResult gemm(Node &n) {
  QuantParams a = readParams(n, n.in(0), 1, 2, 0), b = readParams(n, n.in(3), 4, 5, n.flag("transB", false) ? 0 : 1);
  if (n.failed())
    return failure();
  Value c;
  if (n.has(6)) {
    if (a.axis)
      return n.unsupported("its scale of A is no scalar");
    Value bias = n.in(6);
    if (n.rank(bias) == 2 && n.dims(bias)[0] == 1)
      bias = n.reshape(bias, {-1});
    c = dequantizeBias(n, bias, a.scale, b);
  }
  Value y = n.make<nn::GemmOp>(n.elem(a.scale), {dequantize(n, n.in(0), a), dequantize(n, n.in(3), b), c},
                               n.attrs().f("alpha", n.f("alpha", 1)).b("transA", n.flag("transA", false))
                                   .b("transB", n.flag("transB", false)));
  return n.has(7) ? finish(n, y, 7, n.in(0)) : n.one(y);
}

/// Integer product, scaled: acc * (scale of A * scale of B) + bias.
Value scaledProduct(Node &n, Value a, Value aScale, Value aZero, Value b, Value bScale, Value bZero, Value bias) {
  Value acc = n.make<qir::IntegerMatMulOp>(n.b.getI32Type(), {a, b, aZero, bZero},
                                           n.attrs().segments({1, 1, aZero ? 1 : 0, bZero ? 1 : 0}));
  Value scale = n.make<nn::MulOp>(n.elem(aScale), {aScale, bScale});
  Value y = n.make<nn::MulOp>(n.elem(scale), {n.cast(acc, n.elem(scale)), scale});
  return bias ? n.make<nn::AddOp>(n.elem(y), {y, bias}) : y;
}

LogicalResult dynamicQuantizeMatMul(Node &n) {
  Value x = n.in(0), b = n.in(1);
  QuantParams weight = readParams(n, b, 2, 3, -1);
  if (n.failed())
    return failure();
  Type ui8 = n.b.getIntegerType(8, false);
  auto params = n.makeMany<qir::DynamicParamsOp>({n.f32(), ui8}, {x}, n.attrs());
  Value a = quantize(n, x, {params[0], params[1], {}, {}}, ui8);
  return n.one(scaledProduct(n, a, params[0], params[1], b, weight.scale, weight.zeroPoint, n.optional(4)));
}

LogicalResult matMulIntegerToFloat(Node &n) {
  Value a = n.in(0), b = n.in(1);
  QuantParams left = readParams(n, a, 2, 4, -2), right = readParams(n, b, 3, 5, -1);
  if (n.failed())
    return failure();
  if (left.axis) { // per row
    left.scale = n.unsqueeze(left.scale, {1});
    left.zeroPoint = left.zeroPoint ? n.unsqueeze(left.zeroPoint, {1}) : Value();
  }
  return n.one(scaledProduct(n, a, left.scale, left.zeroPoint, b, right.scale, right.zeroPoint, n.optional(6)));
}
} // namespace

void qopt::addQLinear(Handlers &t) {
  auto add = [&](StringRef op, Handler handler) { t[("com.microsoft/" + op).str()] = handler; };
  add("QLinearAdd", binary<nn::AddOp>), add("QLinearMul", binary<nn::MulOp>), add("QLinearWhere", where);
  add("QLinearConcat", concat), add("QLinearGlobalAveragePool", globalAveragePool), add("QLinearAveragePool", averagePool);
  add("QLinearSigmoid", sigmoid), add("QLinearLeakyRelu", leakyRelu), add("QLinearSoftmax", softmax);
  add("QLinearReduceMean", reduceMean), add("QGemm", gemm), add("DynamicQuantizeMatMul", dynamicQuantizeMatMul);
  add("MatMulIntegerToFloat", matMulIntegerToFloat);
}
