// Elementwise ops.
#include "Node.h"

using namespace mlir;
using namespace qopt;

namespace {
template <typename Op> LogicalResult unary(Node &n) { return n.one(n.make<Op>(n.elem(n.in(0)), {n.in(0)})); }
template <typename Op> LogicalResult predicate(Node &n) { return n.one(n.make<Op>(n.i1(), {n.in(0)})); }

LogicalResult sameTypes(Node &n, Value a, Value b) {
  return n.elem(a) == n.elem(b) ? success() : n.fail("has operands of different element types");
}

template <typename Op> LogicalResult binary(Node &n) {
  Value a = n.in(0), b = n.in(1);
  if (failed(sameTypes(n, a, b)))
    return failure();
  return n.one(n.make<Op>(n.elem(a), {a, b}));
}
template <typename Op> LogicalResult comparison(Node &n) {
  Value a = n.in(0), b = n.in(1);
  if (failed(sameTypes(n, a, b)))
    return failure();
  return n.one(n.make<Op>(n.i1(), {a, b}));
}

LogicalResult pow(Node &n) { // the exponent may be of another type
  Value a = n.in(0);
  return n.one(n.make<nn::PowOp>(n.elem(a), {a, n.in(1)}));
}

template <typename Op> Value chain(Node &n) {
  Value sum = n.in(0);
  for (size_t i = 1; i < n.numInputs(); ++i) {
    if (failed(sameTypes(n, sum, n.in(i))))
      return sum;
    sum = n.make<Op>(n.elem(sum), {sum, n.in(i)});
  }
  return sum;
}
template <typename Op> LogicalResult variadic(Node &n) { return n.one(chain<Op>(n)); }

LogicalResult mean(Node &n) {
  Value sum = chain<nn::AddOp>(n);
  return n.one(n.make<nn::DivOp>(n.elem(sum), {sum, n.scalar(n.elem(sum), static_cast<double>(n.numInputs()))}));
}

/// An op with one float attribute and its default.
template <typename Op> LogicalResult withAlpha(Node &n, double otherwise) {
  return n.one(n.make<Op>(n.elem(n.in(0)), {n.in(0)}, n.attrs().f("alpha", n.f("alpha", otherwise))));
}

template <typename Op> LogicalResult withTwo(Node &n, StringRef first, double firstDefault, StringRef second, double secondDefault) {
  return n.one(n.make<Op>(n.elem(n.in(0)), {n.in(0)},
                          n.attrs().f(first, n.f(first, firstDefault)).f(second, n.f(second, secondDefault))));
}

LogicalResult gelu(Node &n) {
  std::string form = n.s("approximate", "none");
  if (form != "none" && form != "tanh")
    return n.fail("has the attribute approximate '" + form + "', which is neither none nor tanh");
  return n.one(n.make<nn::GeluOp>(n.elem(n.in(0)), {n.in(0)}, n.attrs().s("approximate", form)));
}

LogicalResult isInf(Node &n) {
  return n.one(n.make<nn::IsInfOp>(n.i1(), {n.in(0)},
                                   n.attrs().b("detect_negative", n.flag("detect_negative", true))
                                       .b("detect_positive", n.flag("detect_positive", true))));
}

Value castTo(Node &n, Type element) {
  return n.elem(n.in(0)) == element ? n.in(0)
                                    : n.make<nn::CastOp>(element, {n.in(0)},
                                                         n.attrs().b("saturate", n.flag("saturate", true))
                                                             .s("round_mode", n.s("round_mode", "up")));
}

LogicalResult cast(Node &n) {
  int64_t to = n.i("to", 0);
  Type element = isKnownDType(to) ? nn::elementTypeOf(static_cast<DType>(to), n.b.getContext()) : Type();
  if (!element)
    return n.unsupported("casts to the element type " + Twine(to));
  return n.one(castTo(n, element));
}

LogicalResult castLike(Node &n) { return n.one(castTo(n, n.elem(n.in(1)))); }

LogicalResult bitCast(Node &n) {
  int64_t to = n.i("to", 0);
  Type element = isKnownDType(to) ? nn::elementTypeOf(static_cast<DType>(to), n.b.getContext()) : Type();
  if (!element || element.getIntOrFloatBitWidth() != n.elem(n.in(0)).getIntOrFloatBitWidth())
    return n.unsupported("reinterprets bits as a type of another width");
  return n.one(n.make<nn::BitCastOp>(element, {n.in(0)}));
}

LogicalResult bitShift(Node &n) {
  std::string direction = n.s("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return n.fail("has a direction that is neither LEFT nor RIGHT");
  return n.one(n.make<nn::BitShiftOp>(n.elem(n.in(0)), {n.in(0), n.in(1)}, n.attrs().s("direction", direction)));
}

LogicalResult mod(Node &n) {
  bool fmod = n.flag("fmod", false);
  if (!fmod && n.isFloat(n.in(0)))
    return n.fail("takes the remainder of floats without fmod");
  return n.one(n.make<nn::ModOp>(n.elem(n.in(0)), {n.in(0), n.in(1)}, n.attrs().b("fmod", fmod)));
}

LogicalResult where(Node &n) {
  if (failed(sameTypes(n, n.in(1), n.in(2))))
    return failure();
  return n.one(n.make<nn::WhereOp>(n.elem(n.in(1)), {n.in(0), n.in(1), n.in(2)}));
}

LogicalResult clip(Node &n) {
  Value x = n.in(0), low = n.optional(1), high = n.optional(2);
  if (n.hasAttr("min"))
    low = n.scalar(n.elem(x), n.f("min", 0));
  if (n.hasAttr("max"))
    high = n.scalar(n.elem(x), n.f("max", 0));
  if (!low && !high)
    return n.one(x);
  return n.one(n.make<nn::ClipOp>(n.elem(x), {x, low, high}, n.attrs().segments({1, low ? 1 : 0, high ? 1 : 0})));
}

LogicalResult identity(Node &n) { return n.one(n.in(0)); }

LogicalResult dropout(Node &n) {
  if (n.has(2) && nn::constantScalar(n.in(2)) != 0.0) {
    auto ratio = n.has(1) ? nn::constantScalar(n.in(1)) : std::optional<double>(0.5);
    if (nn::constantScalar(n.in(2)) != 1.0 || ratio != 0.0)
      return n.unsupported("it drops at random, as in training");
  }
  if (n.isUsed(1))
    n.set(1, n.make<nn::ExpandOp>(n.i1(), {n.scalar(n.i1(), 1), n.shapeOf(n.in(0))}));
  return n.one(n.in(0));
}
} // namespace

void qopt::addElementwise(Handlers &t) {
  using namespace nn;
  t["/Abs"] = unary<AbsOp>, t["/Acos"] = unary<AcosOp>, t["/Acosh"] = unary<AcoshOp>, t["/Asin"] = unary<AsinOp>;
  t["/Asinh"] = unary<AsinhOp>, t["/Atan"] = unary<AtanOp>, t["/Atanh"] = unary<AtanhOp>;
  t["/BitwiseNot"] = unary<BitwiseNotOp>, t["/Ceil"] = unary<CeilOp>, t["/Cos"] = unary<CosOp>, t["/Cosh"] = unary<CoshOp>;
  t["/Erf"] = unary<ErfOp>, t["/Exp"] = unary<ExpOp>, t["/Floor"] = unary<FloorOp>, t["/HardSwish"] = unary<HardSwishOp>;
  t["/Log"] = unary<LogOp>, t["/Mish"] = unary<MishOp>, t["/Neg"] = unary<NegOp>, t["/Not"] = unary<NotOp>;
  t["/Reciprocal"] = unary<ReciprocalOp>, t["/Relu"] = unary<ReluOp>, t["/Round"] = unary<RoundOp>;
  t["/Sigmoid"] = unary<SigmoidOp>, t["/Sign"] = unary<SignOp>, t["/Sin"] = unary<SinOp>, t["/Sinh"] = unary<SinhOp>;
  t["/Softplus"] = unary<SoftplusOp>, t["/Softsign"] = unary<SoftsignOp>, t["/Sqrt"] = unary<SqrtOp>;
  t["/Tan"] = unary<TanOp>, t["/Tanh"] = unary<TanhOp>, t["/IsNaN"] = predicate<IsNaNOp>, t["/IsInf"] = isInf;
  t["/Celu"] = [](Node &n) { return withAlpha<CeluOp>(n, 1.0); };
  t["/Elu"] = [](Node &n) { return withAlpha<EluOp>(n, 1.0); };
  t["/LeakyRelu"] = [](Node &n) { return withAlpha<LeakyReluOp>(n, 0.01f); };
  t["/Swish"] = [](Node &n) { return withAlpha<SwishOp>(n, 1.0); };
  t["/ThresholdedRelu"] = [](Node &n) { return withAlpha<ThresholdedReluOp>(n, 1.0); };
  t["/Selu"] = [](Node &n) { return withTwo<SeluOp>(n, "alpha", 1.67326319217681884765625, "gamma", 1.05070102214813232421875); };
  t["/HardSigmoid"] = [](Node &n) { return withTwo<HardSigmoidOp>(n, "alpha", 0.2f, "beta", 0.5f); };
  t["/Shrink"] = [](Node &n) { return withTwo<ShrinkOp>(n, "bias", 0.0, "lambd", 0.5); };
  t["/Gelu"] = gelu, t["/Cast"] = cast, t["/CastLike"] = castLike, t["/BitCast"] = bitCast;
  t["/Add"] = binary<AddOp>, t["/And"] = binary<AndOp>, t["/BitwiseAnd"] = binary<BitwiseAndOp>;
  t["/BitwiseOr"] = binary<BitwiseOrOp>, t["/BitwiseXor"] = binary<BitwiseXorOp>, t["/Div"] = binary<DivOp>;
  t["/Equal"] = comparison<EqualOp>, t["/Greater"] = comparison<GreaterOp>, t["/GreaterOrEqual"] = comparison<GreaterOrEqualOp>;
  t["/Less"] = comparison<LessOp>, t["/LessOrEqual"] = comparison<LessOrEqualOp>;
  t["/Max"] = variadic<MaxOp>, t["/Min"] = variadic<MinOp>, t["/Sum"] = variadic<AddOp>, t["/Mean"] = mean;
  t["/Mul"] = binary<MulOp>, t["/Or"] = binary<OrOp>, t["/Pow"] = pow, t["/PRelu"] = binary<PReluOp>;
  t["/Sub"] = binary<SubOp>, t["/Xor"] = binary<XorOp>, t["/BitShift"] = bitShift, t["/Mod"] = mod;
  t["/Where"] = where, t["/Clip"] = clip, t["/Identity"] = identity, t["/Dropout"] = dropout;
}
