// Gradients of activation functions, powers and choices, as formulas.
#include "GradientImpl.h"

#include <numbers>

using namespace mlir;
using namespace qopt::nn;

namespace {

Term choice(Gradients &g, Value condition, Value x, Value y) {
  return {g, g.makeAs<WhereOp>(typeOf(x).getElementType(), condition, x, y)};
}

/// `x` where `condition` holds, else zero.
Term only(Value condition, Term x) { return choice(*x.g, condition, x, x.of(0)); }

template <typename Op> Value compare(Term x, Value y) { return x.g->makeAs<Op>(x.g->b.getI1Type(), x.value, y); }

Term reciprocal(Term, Term y, Term dy) { return -(dy * y * y); }
Term tanh(Term, Term y, Term dy) { return dy * (1 - y * y); }
Term relu(Term x, Term, Term dy) { return only(compare<GreaterOp>(x, x.of(0)), dy); }

Term abs(Term x, Term, Term dy) { return dy * x.then<SignOp>(); }
Term softplus(Term x, Term, Term dy) { return dy * x.then<SigmoidOp>(); }

/// (2x + 3) / 6 between its ends, 0 before and 1 after them.
Term hardSwish(Term x, Term, Term dy) {
  Term slope = only(compare<GreaterOp>(x, x.of(-3)), (1.0 / 3) * x + x.of(0.5));
  return dy * choice(*x.g, compare<LessOp>(x, x.of(3)), slope, x.of(1));
}

void hardSigmoid(HardSigmoidOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term y(g, op.getY()), dx = op.getAlpha().convertToFloat() * Term(g, g.of(op.getY()));
    return only(compare<GreaterOp>(y, y.of(0)), only(compare<LessOp>(y, y.of(1)), dx));
  });
}

void leakyRelu(LeakyReluOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term x(g, op.getX()), dy(g, g.of(op.getY()));
    return choice(g, compare<GreaterOrEqualOp>(x, x.of(0)), dy, op.getAlpha().convertToFloat() * dy);
  });
}

/// Where both are equal, the first one's.
template <typename Op, typename First> void extreme(Op op, Gradients &g) {
  Term a(g, op.getA()), dy(g, g.of(op.getC()));
  Value isFirst = compare<First>(a, op.getB());
  g.to(op.getA(), [&] { return only(isFirst, dy); });
  g.to(op.getB(), [&] { return choice(g, isFirst, dy.of(0), dy); });
}

/// e^(-x²)
Term bell(Term x) { return (-(x * x)).then<ExpOp>(); }

Term erf(Term x, Term, Term dy) { return dy * (2 * std::numbers::inv_sqrtpi * bell(x)); }

void gelu(GeluOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term x(g, op.getX()), dy(g, g.of(op.getY()));
    double root = std::numbers::sqrt2 / 2;
    if (op.getApproximate() == "none") // Φ(x) + x φ(x)
      return dy * (0.5 * (1 + (root * x).then<ErfOp>()) + (std::numbers::inv_sqrtpi * root) * x * bell(root * x));
    double outer = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, inner = 0.044715;
    Term square = x * x, t = (outer * x * (1 + inner * square)).then<TanhOp>();
    return dy * (0.5 * (1 + t) + (0.5 * outer) * x * (1 - t * t) * (1 + (3 * inner) * square));
  });
}

/// Exponents that are no numbers of the program's arguments.
void pow(PowOp op, Gradients &g) {
  g.to(op.getA(), [&] {
    Term x(g, op.getA()), dy(g, g.of(op.getC())), exponent(g, g.cast(op.getB(), typeOf(op.getA()).getElementType()));
    return dy * (exponent * x.then<PowOp>(exponent - exponent.of(1)));
  });
}

void where(WhereOp op, Gradients &g) {
  Term dy(g, g.of(op.getZ()));
  g.to(op.getX(), [&] { return only(op.getCondition(), dy); });
  g.to(op.getY(), [&] { return choice(g, op.getCondition(), dy.of(0), dy); });
}

void clip(ClipOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term x(g, op.getX()), dx(g, g.of(op.getY()));
    if (op.getLow())
      dx = only(compare<GreaterOrEqualOp>(x, op.getLow()), dx);
    if (op.getHigh())
      dx = only(compare<LessOrEqualOp>(x, op.getHigh()), dx);
    return dx;
  });
}

} // namespace

void qopt::nn::addActivationGradients(GradientTable &table) {
  table.add<ReciprocalOp>(unary<ReciprocalOp, reciprocal>);
  table.add<TanhOp>(unary<TanhOp, tanh>);
  table.add<ReluOp>(unary<ReluOp, relu>);
  table.add<AbsOp>(unary<AbsOp, abs>);
  table.add<SoftplusOp>(unary<SoftplusOp, softplus>);
  table.add<HardSwishOp>(unary<HardSwishOp, hardSwish>);
  table.add<HardSigmoidOp>(hardSigmoid);
  table.add<LeakyReluOp>(leakyRelu);
  table.add<MaxOp>(extreme<MaxOp, GreaterOrEqualOp>);
  table.add<MinOp>(extreme<MinOp, LessOrEqualOp>);
  table.add<ErfOp>(unary<ErfOp, erf>);
  table.add<GeluOp>(gelu);
  table.add<PowOp>(pow);
  table.add<WhereOp>(where);
  table.add<ClipOp>(clip);
}
