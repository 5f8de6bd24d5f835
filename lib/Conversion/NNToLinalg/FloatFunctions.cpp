//===- FloatFunctions.cpp - Functions of one real number ----------------------===//
//
// Formulas of the ONNX operator specification. The transcendental ones stay math ops: code generation knows how exact
// and how fast they are to be.
//
//===----------------------------------------------------------------------===//
#include "Lowerings.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include <numbers>

using namespace mlir;
using namespace qopt;

namespace {

/// Short names for formulas over one float type.
struct Formula {
  Scalars &s;
  Type type;

  Value c(double v) { return s.constant(type, v); }
  Value c(const APFloat &v) { return s.constant(type, v.convertToFloat()); }
  Value exp(Value x) { return s.make<math::ExpOp>(x); }
  Value log(Value x) { return s.make<math::LogOp>(x); }
  Value tanh(Value x) { return s.make<math::TanhOp>(x); }
  Value sigmoid(Value x) { return s.div(c(1), s.add(c(1), exp(s.neg(x)))); }
  /// log(1 + e^x) without overflow.
  Value softplus(Value x) {
    Value magnitude = s.make<math::AbsFOp>(x);
    return s.add(s.max(x, c(0)), s.make<math::Log1pOp>(exp(s.neg(magnitude))));
  }
  Value expm1(Value x) { return s.sub(exp(x), c(1)); }

  Value gelu(Value x, bool isTanh) {
    Value half = s.mul(c(0.5), x);
    if (!isTanh)
      return s.mul(half, s.add(c(1), s.make<math::ErfOp>(s.mul(x, c(1 / std::numbers::sqrt2)))));
    Value cubic = s.add(x, s.mul(c(0.044715), s.mul(x, s.mul(x, x))));
    return s.mul(half, s.add(c(1), tanh(s.mul(c(std::sqrt(2 / std::numbers::pi)), cubic))));
  }
};

} // namespace

Value qopt::lowerFloatFunction(Operation *op, Scalars &s, Value x) {
  Formula f{s, x.getType()};
  auto isNegative = [&] { return s.lt(x, f.c(0)); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](nn::AcosOp) { return s.make<math::AcosOp>(x); })
      .Case([&](nn::AcoshOp) { return s.make<math::AcoshOp>(x); })
      .Case([&](nn::AsinOp) { return s.make<math::AsinOp>(x); })
      .Case([&](nn::AsinhOp) { return s.make<math::AsinhOp>(x); })
      .Case([&](nn::AtanOp) { return s.make<math::AtanOp>(x); })
      .Case([&](nn::AtanhOp) { return s.make<math::AtanhOp>(x); })
      .Case([&](nn::CeilOp) { return s.make<math::CeilOp>(x); })
      .Case([&](nn::CosOp) { return s.make<math::CosOp>(x); })
      .Case([&](nn::CoshOp) { return s.make<math::CoshOp>(x); })
      .Case([&](nn::ErfOp) { return s.make<math::ErfOp>(x); })
      .Case([&](nn::ExpOp) { return f.exp(x); })
      .Case([&](nn::FloorOp) { return s.make<math::FloorOp>(x); })
      .Case([&](nn::LogOp) { return f.log(x); })
      .Case([&](nn::RoundOp) { return s.make<math::RoundEvenOp>(x); })
      .Case([&](nn::SinOp) { return s.make<math::SinOp>(x); })
      .Case([&](nn::SinhOp) { return s.make<math::SinhOp>(x); })
      .Case([&](nn::SqrtOp) { return s.make<math::SqrtOp>(x); })
      .Case([&](nn::TanOp) { return s.make<math::TanOp>(x); })
      .Case([&](nn::TanhOp) { return f.tanh(x); })
      .Case([&](nn::ReciprocalOp) { return s.div(f.c(1), x); })
      .Case([&](nn::SigmoidOp) { return f.sigmoid(x); })
      .Case([&](nn::SoftplusOp) { return f.softplus(x); })
      .Case([&](nn::SoftsignOp) { return s.div(x, s.add(f.c(1), s.make<math::AbsFOp>(x))); })
      .Case([&](nn::MishOp) { return s.mul(x, f.tanh(f.softplus(x))); })
      .Case([&](nn::SwishOp swish) { return s.mul(x, f.sigmoid(s.mul(f.c(swish.getAlpha()), x))); })
      .Case([&](nn::HardSwishOp) {
        Value gate = s.add(s.mul(x, f.c(1.0 / 6)), f.c(0.5));
        return s.mul(x, s.max(f.c(0), s.min(f.c(1), gate)));
      })
      .Case([&](nn::HardSigmoidOp h) {
        Value line = s.add(s.mul(f.c(h.getAlpha()), x), f.c(h.getBeta()));
        return s.max(f.c(0), s.min(f.c(1), line));
      })
      .Case([&](nn::GeluOp gelu) { return f.gelu(x, gelu.getApproximate() == "tanh"); })
      .Case([&](nn::CeluOp celu) {
        Value alpha = f.c(celu.getAlpha());
        return s.add(s.max(f.c(0), x), s.min(f.c(0), s.mul(alpha, f.expm1(s.div(x, alpha)))));
      })
      .Case([&](nn::EluOp elu) { return s.select(isNegative(), s.mul(f.c(elu.getAlpha()), f.expm1(x)), x); })
      .Case([&](nn::SeluOp selu) {
        Value gamma = f.c(selu.getGamma());
        Value below = s.mul(f.c(selu.getAlpha()), f.expm1(x));
        return s.mul(gamma, s.select(s.le(x, f.c(0)), below, x));
      })
      .Case([&](nn::LeakyReluOp leaky) { return s.select(isNegative(), s.mul(f.c(leaky.getAlpha()), x), x); })
      .Case([&](nn::ThresholdedReluOp t) { return s.select(s.gt(x, f.c(t.getAlpha())), x, f.c(0)); })
      .Case([&](nn::ShrinkOp shrink) {
        Value bias = f.c(shrink.getBias()), bound = f.c(shrink.getLambd());
        Value above = s.select(s.gt(x, bound), s.sub(x, bias), f.c(0));
        return s.select(s.lt(x, s.neg(bound)), s.add(x, bias), above);
      })
      .Default([](Operation *) { return Value(); });
}
