// ONNX's own quantization ops.
#include "Quantize.h"
#include "Windows.h"

#include "qopt/Dialect/NN/IR/HostValues.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include <cmath>

using namespace mlir;
using namespace qopt;

Value qopt::scalarIfOne(Node &n, Value value) {
  if (!value || n.rank(value) == 0 || !n.type(value).hasStaticShape() || n.type(value).getNumElements() != 1)
    return value;
  if (ElementsAttr elements = nn::constantValue(value)) {
    auto tensor = nn::tensorOf(elements);
    auto reshaped = tensor ? tensor->reshape({}) : std::move(tensor);
    if (reshaped)
      return n.constant(*reshaped);
    llvm::consumeError(reshaped.takeError());
  }
  return n.reshape(value, {});
}

namespace {
void checkScale(Node &n, Value scale) {
  if (!n.isFloat(scale))
    return (void)n.fail("has a scale that is no float");
  if (isa<Float8E8M0FNUType>(n.elem(scale)))
    return; // powers of two only
  auto values = nn::constantFloats(scale, int64_t(1) << 26);
  for (double value : values.value_or(SmallVector<double>()))
    if (!(value > 0) || !std::isfinite(value))
      return (void)n.fail("has a scale of " + Twine(std::to_string(value)) + "; scales must be positive and finite");
}

bool sameDims(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  if (a.size() != b.size())
    return false;
  for (auto [x, y] : llvm::zip_equal(a, b))
    if (!ShapedType::isDynamic(x) && !ShapedType::isDynamic(y) && x != y)
      return false;
  return true;
}

void checkLengths(Node &n, Value x, QuantParams &params, int64_t axis, int64_t blockSize) {
  ArrayRef<int64_t> shape = n.dims(params.scale), data = n.dims(x);
  if (params.zeroPoint && !sameDims(shape, n.dims(params.zeroPoint)))
    return (void)n.fail("has a scale and a zero point of different shapes");
  if (shape.empty())
    return;
  params.axis = n.axis(axis, data.size());
  if (n.failed())
    return;
  int64_t dim = data[*params.axis];
  if (blockSize == 0) {
    if (shape.size() != 1 || !sameDims(shape, {dim}))
      (void)n.fail("has a scale of shape " + shapeToString(shape) + " for the axis " + Twine(*params.axis) + " of " +
                   shapeToString(data));
    return;
  }
  params.blockSize = blockSize;
  Dims wanted(data);
  if (!ShapedType::isDynamic(dim))
    wanted[*params.axis] = (dim + blockSize - 1) / blockSize;
  if (!sameDims(shape, wanted))
    (void)n.fail("has a scale of shape " + shapeToString(shape) + ", but blocks of " + Twine(blockSize) + " along axis " +
                 Twine(*params.axis) + " need " + shapeToString(wanted));
}
} // namespace

QuantParams qopt::readParams(Node &n, Value x, size_t scale, size_t zeroPoint, int64_t axis, int64_t blockSize) {
  QuantParams params;
  params.scale = blockSize ? n.in(scale) : scalarIfOne(n, n.in(scale));
  params.zeroPoint = blockSize ? n.optional(zeroPoint) : scalarIfOne(n, n.optional(zeroPoint));
  checkScale(n, params.scale);
  if (blockSize < 0)
    (void)n.fail("has the block size " + Twine(blockSize));
  if (!n.failed())
    checkLengths(n, x, params, axis, blockSize);
  return params;
}

namespace {
Attrs paramAttrs(Node &n, const QuantParams &params) {
  Attrs attrs = n.attrs();
  if (params.axis)
    attrs.i("axis", *params.axis);
  if (params.blockSize)
    attrs.i("block_size", *params.blockSize);
  return attrs;
}
} // namespace

Value qopt::dequantize(Node &n, Value q, const QuantParams &params, Type element) {
  Value x = n.make<qir::DequantizeOp>(n.elem(params.scale), {q, params.scale, params.zeroPoint}, paramAttrs(n, params));
  return element ? n.cast(x, element) : x;
}

Value qopt::quantize(Node &n, Value x, const QuantParams &params, Type element, bool saturate) {
  return n.make<qir::QuantizeOp>(element, {x, params.scale, params.zeroPoint}, paramAttrs(n, params).b("saturate", saturate));
}

Value qopt::dequantizeBias(Node &n, Value bias, Value inputScale, const QuantParams &weight) {
  if (n.rank(bias) != 1) {
    (void)n.fail("has a bias that is no vector");
    return bias;
  }
  QuantParams params;
  auto a = nn::constantFloats(inputScale, 1), b = nn::constantFloats(weight.scale, int64_t(1) << 26);
  if (a && b && a->size() == 1) { // one f32 product each, as the float op would make
    SmallVector<double> product;
    for (double w : *b)
      product.push_back(static_cast<float>(a->front()) * static_cast<float>(w));
    auto tensor = nn::tensorFromFloats(DType::Float32, n.dims(weight.scale), product);
    params.scale = tensor ? n.constant(*tensor) : weight.scale;
  } else {
    params.scale = n.make<nn::MulOp>(n.elem(inputScale), {weight.scale, inputScale});
  }
  if (n.rank(params.scale) == 1)
    params.axis = 0;
  return dequantize(n, bias, params);
}

namespace {
Type elementByCode(Node &n, StringRef name) {
  int64_t code = n.i(name, 0);
  return code && isKnownDType(code) ? nn::elementTypeOf(static_cast<DType>(code), n.b.getContext()) : Type();
}

bool isQuantizedType(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (integer)
    return integer.getWidth() > 1 && integer.getWidth() <= 32;
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8;
}

LogicalResult quantizeLinear(Node &n) {
  Value x = n.in(0);
  QuantParams params = readParams(n, x, 1, 2, n.i("axis", 1), n.i("block_size", 0));
  Type element = params.zeroPoint ? n.elem(params.zeroPoint) : elementByCode(n, "output_dtype");
  if (!element)
    element = n.b.getIntegerType(8, /*isSigned=*/false);
  if (n.hasAttr("output_dtype") && n.i("output_dtype", 0) && elementByCode(n, "output_dtype") != element)
    return n.fail("has an output_dtype that is not its zero point's type");
  if (!isQuantizedType(element))
    return n.fail("quantizes to a type that is no narrow integer or float");
  if (!n.isFloat(x))
    x = n.cast(x, n.elem(params.scale));
  return n.one(quantize(n, x, params, element, n.flag("saturate", true)));
}

LogicalResult dequantizeLinear(Node &n) {
  Value q = n.in(0);
  QuantParams params = readParams(n, q, 1, 2, n.i("axis", 1), n.i("block_size", 0));
  if (!isQuantizedType(n.elem(q)))
    return n.fail("dequantizes a type that is no narrow integer or float");
  if (params.zeroPoint && n.elem(params.zeroPoint) != n.elem(q))
    return n.fail("has a zero point of another type than its input");
  return n.one(dequantize(n, q, params, elementByCode(n, "output_dtype")));
}

LogicalResult dynamicQuantizeLinear(Node &n) {
  Type ui8 = n.b.getIntegerType(8, false);
  auto params = n.makeMany<qir::DynamicParamsOp>({n.f32(), ui8}, {n.in(0)}, n.attrs());
  n.set(1, params[0]);
  n.set(2, params[1]);
  return n.one(quantize(n, n.in(0), {params[0], params[1], {}, {}}, ui8));
}

bool isByte(Node &n, Value value) { return isa<IntegerType>(n.elem(value)) && n.elem(value).getIntOrFloatBitWidth() == 8; }

LogicalResult matMulInteger(Node &n) {
  Value a = n.in(0), b = n.in(1), aZero = scalarIfOne(n, n.optional(2)), bZero = scalarIfOne(n, n.optional(3));
  if (!isByte(n, a) || !isByte(n, b))
    return n.fail("multiplies tensors that are not 8-bit integers");
  if (aZero && n.rank(aZero) == 1) // per row
    aZero = n.unsqueeze(aZero, {1});
  if (bZero && n.rank(bZero) > 1) // (…, 1, columns)
    return n.unsupported("its zero point of B varies by matrix");
  return n.one(n.make<qir::IntegerMatMulOp>(n.b.getI32Type(), {a, b, aZero, bZero},
                                            n.attrs().segments({1, 1, aZero ? 1 : 0, bZero ? 1 : 0})));
}

LogicalResult convInteger(Node &n) {
  Value x = n.in(0), w = n.in(1), xZero = scalarIfOne(n, n.optional(2)), wZero = scalarIfOne(n, n.optional(3));
  if (!isByte(n, x) || !isByte(n, w))
    return n.fail("convolves tensors that are not 8-bit integers");
  if (n.rank(x) < 3 || n.rank(w) != n.rank(x))
    return n.fail("convolves ranks " + Twine(n.rank(x)) + " and " + Twine(n.rank(w)) + "; it needs one rank of at least 3");
  auto window = readWindow(n, n.dims(x).drop_front(2), n.dims(w).drop_front(2));
  if (!window)
    return failure();
  Attrs attrs = n.attrs().segments({1, 1, xZero ? 1 : 0, wZero ? 1 : 0});
  addWindow(attrs, *window).i("group", n.i("group", 1));
  return n.one(n.make<qir::IntegerConvOp>(n.b.getI32Type(), {x, w, xZero, wZero}, attrs));
}

/// The operand's parameters, with the matrix row or column as the axis that a vector of them runs along.
QuantParams matrixParams(Node &n, size_t operand, bool alongRows) {
  return readParams(n, n.in(operand), operand + 1, operand + 2, alongRows ? -2 : -1);
}

LogicalResult qLinearMatMul(Node &n) {
  QuantParams a = matrixParams(n, 0, true), b = matrixParams(n, 3, false);
  if (n.failed())
    return failure();
  Value y = n.make<nn::MatMulOp>(n.elem(a.scale), {dequantize(n, n.in(0), a), dequantize(n, n.in(3), b, n.elem(a.scale))});
  return n.one(quantize(n, y, readParams(n, y, 6, 7, -1), n.elem(n.in(7))));
}

LogicalResult qLinearConv(Node &n) {
  Value x = n.in(0), w = n.in(3);
  if (n.rank(x) < 3 || n.rank(w) != n.rank(x))
    return n.fail("convolves ranks " + Twine(n.rank(x)) + " and " + Twine(n.rank(w)) + "; it needs one rank of at least 3");
  QuantParams in = readParams(n, x, 1, 2, 1), weight = readParams(n, w, 4, 5, 0);
  auto window = readWindow(n, n.dims(x).drop_front(2), n.dims(w).drop_front(2));
  if (!window)
    return failure();
  if (in.axis)
    return n.unsupported("its input scale is no scalar");
  Value bias = n.has(8) ? dequantizeBias(n, n.in(8), in.scale, weight) : Value();
  Attrs attrs = n.attrs();
  addWindow(attrs, *window).i("group", n.i("group", 1));
  Value y = n.make<nn::ConvOp>(n.f32(), {dequantize(n, x, in), dequantize(n, w, weight), bias}, attrs);
  return n.one(quantize(n, y, readParams(n, y, 6, 7, 1), n.elem(n.in(7))));
}
} // namespace

void qopt::addQuant(Handlers &t) {
  t["/QuantizeLinear"] = t["com.microsoft/QuantizeLinear"] = quantizeLinear;
  t["/DequantizeLinear"] = t["com.microsoft/DequantizeLinear"] = dequantizeLinear;
  t["/DynamicQuantizeLinear"] = dynamicQuantizeLinear, t["/MatMulInteger"] = matMulInteger, t["/ConvInteger"] = convInteger;
  t["/QLinearMatMul"] = qLinearMatMul, t["/QLinearConv"] = qLinearConv;
}
