// Gradients of elementwise ops, as formulas.
#include "GradientImpl.h"

using namespace mlir;
using namespace qopt::nn;

namespace {

//===----------------------------------------------------------------------===//
// Of two operands
//===----------------------------------------------------------------------===//

void add(AddOp op, Gradients &g) {
  for (Value operand : op->getOperands())
    g.to(operand, [&] { return g.of(op.getC()); });
}

void sub(SubOp op, Gradients &g) {
  Term dy(g, g.of(op.getC()));
  g.to(op.getA(), [&] { return dy; });
  g.to(op.getB(), [&] { return -dy; });
}

void mul(MulOp op, Gradients &g) {
  Term dy(g, g.of(op.getC()));
  g.to(op.getA(), [&] { return dy * Term(g, op.getB()); });
  g.to(op.getB(), [&] { return dy * Term(g, op.getA()); });
}

void div(DivOp op, Gradients &g) {
  Term dy(g, g.of(op.getC())), y(g, op.getC()), b(g, op.getB());
  g.to(op.getA(), [&] { return dy / b; });
  g.to(op.getB(), [&] { return -(dy * y / b); });
}

//===----------------------------------------------------------------------===//
// Of one operand
//===----------------------------------------------------------------------===//

Term neg(Term, Term, Term dy) { return -dy; }
Term exp(Term, Term y, Term dy) { return dy * y; }
Term log(Term x, Term, Term dy) { return dy / x; }
Term sqrt(Term, Term y, Term dy) { return dy * (0.5 / y); }
Term sigmoid(Term, Term y, Term dy) { return dy * y * (1 - y); }

void swish(SwishOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term x(g, op.getX()), y(g, op.getY()), dy(g, g.of(op.getY()));
    double alpha = op.getAlpha().convertToFloat();
    Term s = (alpha == 1 ? x : alpha * x).then<SigmoidOp>();
    return dy * (s + (alpha == 1 ? y : alpha * y) * (1 - s));
  });
}

void cast(CastOp op, Gradients &g) {
  if (isa<FloatType>(typeOf(op.getX()).getElementType()) && isa<FloatType>(typeOf(op.getY()).getElementType()))
    g.to(op.getX(), [&] { return g.cast(g.of(op.getY()), typeOf(op.getX()).getElementType()); });
}

} // namespace

void qopt::nn::addElementwiseGradients(GradientTable &table) {
  table.add<AddOp>(add);
  table.add<SubOp>(sub);
  table.add<MulOp>(mul);
  table.add<DivOp>(div);
  table.add<NegOp>(unary<NegOp, neg>);
  table.add<ExpOp>(unary<ExpOp, exp>);
  table.add<LogOp>(unary<LogOp, log>);
  table.add<SqrtOp>(unary<SqrtOp, sqrt>);
  table.add<SigmoidOp>(unary<SigmoidOp, sigmoid>);
  table.add<SwishOp>(swish);
  table.add<CastOp>(cast);
  table.stop<EqualOp, GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp, IsNaNOp, IsInfOp>();
}
