// com.microsoft's fused float ops, as ONNX Runtime's transformer optimizer writes them.
#include "NBits.h"
#include "Windows.h"

using namespace mlir;
using namespace qopt;

namespace {
Value add(Node &n, Value a, Value b) { return b ? n.make<nn::AddOp>(n.elem(a), {a, b}) : a; }

Value gelu(Node &n, Value x, StringRef form) { return n.make<nn::GeluOp>(n.elem(x), {x}, n.attrs().s("approximate", form)); }

Value swapLastTwo(Node &n, Value x) {
  Dims perm;
  for (int64_t i = 0; i < n.rank(x); ++i)
    perm.push_back(i);
  if (perm.size() < 2)
    return (void)n.fail("transposes an operand of rank " + Twine(perm.size())), x;
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return n.transpose(x, perm);
}

LogicalResult fusedMatMul(Node &n) {
  if (n.flag("transBatchA", false) || n.flag("transBatchB", false))
    return n.unsupported("it transposes batch dims");
  Value a = n.flag("transA", false) ? swapLastTwo(n, n.in(0)) : n.in(0);
  Value b = n.flag("transB", false) ? swapLastTwo(n, n.in(1)) : n.in(1);
  Value y = n.make<nn::MatMulOp>(n.elem(a), {a, b});
  double alpha = n.f("alpha", 1);
  return n.one(alpha == 1 ? y : n.make<nn::MulOp>(n.elem(y), {y, n.scalar(n.elem(y), alpha)}));
}

constexpr double kSkipEpsilon = 1e-12f;

Value layerNorm(Node &n, Value x, Value scale, Value bias, double epsilon, int64_t axis) {
  return n.make<nn::LayerNormalizationOp>(n.elem(x), {x, scale, bias}, n.attrs().i("axis", axis).f("epsilon", epsilon));
}

LogicalResult skipLayerNorm(Node &n) {
  if (n.isUsed(1) || n.isUsed(2))
    return n.unsupported("its mean or deviation is used");
  Value sum = add(n, add(n, n.in(0), n.in(1)), n.optional(4));
  n.set(3, sum);
  return n.one(layerNorm(n, sum, n.in(2), n.optional(3), n.f("epsilon", kSkipEpsilon), n.axis(-1, n.rank(sum))));
}

Value rmsNorm(Node &n, Value x, Value scale, double epsilon, int64_t axis) {
  return n.make<nn::RMSNormalizationOp>(n.elem(x), {x, scale}, n.attrs().i("axis", axis).f("epsilon", epsilon));
}

LogicalResult skipRmsNorm(Node &n) {
  if (n.isUsed(1) || n.isUsed(2))
    return n.unsupported("its mean or deviation is used");
  Value sum = add(n, add(n, n.in(0), n.in(1)), n.optional(3));
  n.set(3, sum);
  return n.one(rmsNorm(n, sum, n.in(2), n.f("epsilon", kSkipEpsilon), n.axis(-1, n.rank(sum))));
}

LogicalResult simplifiedLayerNorm(Node &n) {
  if (n.isUsed(1))
    return n.unsupported("its deviation is used");
  return n.one(rmsNorm(n, n.in(0), n.in(1), n.f("epsilon", 1e-5f), n.axis(n.i("axis", -1), n.rank(n.in(0)))));
}

LogicalResult plainLayerNorm(Node &n) {
  if (n.isUsed(1) || n.isUsed(2))
    return n.unsupported("its mean or deviation is used");
  return n.one(layerNorm(n, n.in(0), n.in(1), n.optional(2), n.f("epsilon", 1e-5f), n.axis(n.i("axis", -1), n.rank(n.in(0)))));
}

LogicalResult biasGelu(Node &n) { return n.one(gelu(n, add(n, n.in(0), n.in(1)), "none")); }
LogicalResult plainGelu(Node &n) { return n.one(gelu(n, n.in(0), "none")); }
LogicalResult fastGelu(Node &n) { return n.one(gelu(n, add(n, n.in(0), n.optional(1)), "tanh")); }
LogicalResult quickGelu(Node &n) {
  return n.one(n.make<nn::SwishOp>(n.elem(n.in(0)), {n.in(0)}, n.attrs().f("alpha", n.f("alpha", 1.702f))));
}

/// The activation that FusedConv and FusedGemm apply last.
Value activate(Node &n, Value y, StringRef activation, ArrayRef<float> params) {
  Type element = n.elem(y);
  auto param = [&](size_t i, float otherwise) { return i < params.size() ? params[i] : otherwise; };
  if (activation.empty())
    return y;
  if (activation == "Relu")
    return n.make<nn::ReluOp>(element, {y});
  if (activation == "Sigmoid")
    return n.make<nn::SigmoidOp>(element, {y});
  if (activation == "Tanh")
    return n.make<nn::TanhOp>(element, {y});
  if (activation == "LeakyRelu")
    return n.make<nn::LeakyReluOp>(element, {y}, n.attrs().f("alpha", param(0, 0.01f)));
  if (activation == "HardSigmoid")
    return n.make<nn::HardSigmoidOp>(element, {y}, n.attrs().f("alpha", param(0, 0.2f)).f("beta", param(1, 0.5f)));
  if (activation == "Clip" && params.size() == 2)
    return n.make<nn::ClipOp>(element, {y, n.scalar(element, params[0]), n.scalar(element, params[1])}, n.attrs().segments({1, 1, 1}));
  return (void)n.unsupported("its activation is '" + activation + "'"), y;
}

LogicalResult fusedConv(Node &n) {
  Value x = n.in(0), w = n.in(1);
  if (n.rank(x) < 3 || n.rank(w) != n.rank(x))
    return n.fail("convolves ranks " + Twine(n.rank(x)) + " and " + Twine(n.rank(w)) + "; it needs one rank of at least 3");
  auto window = readWindow(n, n.dims(x).drop_front(2), n.dims(w).drop_front(2));
  if (!window)
    return failure();
  Attrs attrs = n.attrs();
  addWindow(attrs, *window).i("group", n.i("group", 1));
  Value y = add(n, n.make<nn::ConvOp>(n.elem(x), {x, w, n.optional(2)}, attrs), n.optional(3));
  auto params = dyn_cast_or_null<DenseF32ArrayAttr>(n.attr("activation_params"));
  return n.one(activate(n, y, n.s("activation", ""), params ? params.asArrayRef() : ArrayRef<float>()));
}

LogicalResult fusedGemm(Node &n) {
  Value y = n.make<nn::GemmOp>(n.elem(n.in(0)), {n.in(0), n.in(1), n.optional(2)},
                               n.attrs().f("alpha", n.f("alpha", 1)).f("beta", n.f("beta", 1)).b("transA", n.flag("transA", false))
                                   .b("transB", n.flag("transB", false)));
  return n.one(activate(n, y, n.s("activation", ""), {}));
}
} // namespace

void qopt::addContrib(Handlers &t) {
  auto add = [&](StringRef op, Handler handler) { t[("com.microsoft/" + op).str()] = handler; };
  add("MatMulNBits", convertMatMulNBits), add("FusedMatMul", fusedMatMul), add("SkipLayerNormalization", skipLayerNorm);
  add("SkipSimplifiedLayerNormalization", skipRmsNorm), add("SimplifiedLayerNormalization", simplifiedLayerNorm);
  add("LayerNormalization", plainLayerNorm), add("BiasGelu", biasGelu), add("Gelu", plainGelu), add("FastGelu", fastGelu);
  add("QuickGelu", quickGelu), add("FusedConv", fusedConv), add("FusedGemm", fusedGemm);
}
