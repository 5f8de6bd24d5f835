// Gradients of sums, means, softmax and normalizations.
#include "GradientImpl.h"

using namespace mlir;
using namespace qopt::nn;

namespace {

/// Something of a reduction's result, repeated over the dims that it summed.
template <typename Op> Term spread(Op op, Value result, Gradients &g) {
  if (!op.getKeepdims() && rankOf(result) > 0) {
    SmallVector<int64_t> axes(op.getAxes());
    llvm::sort(axes);
    result = g.make<UnsqueezeOp>(result, axes);
  }
  return {g, g.make<ExpandOp>(result, g.shapeOf(op.getX()))};
}

/// How many elements of x make one of y.
Term countOf(Value x, Value y, Gradients &g) {
  Type element = typeOf(x).getElementType();
  if (typeOf(x).hasStaticShape())
    return {g, g.number(double(typeOf(x).getNumElements()) / std::max<int64_t>(1, typeOf(y).getNumElements()), element)};
  auto size = [&](Value v) { return Term(g, g.cast(g.makeAs<SizeOp>(g.b.getI64Type(), v), element)); };
  return size(x) / size(y);
}

void reduceSum(ReduceSumOp op, Gradients &g) {
  g.to(op.getX(), [&] { return spread(op, g.of(op.getY()), g); });
}

void reduceMean(ReduceMeanOp op, Gradients &g) {
  g.to(op.getX(), [&] { return spread(op, g.of(op.getY()), g) / countOf(op.getX(), op.getY(), g); });
}

void reduceSumSquare(ReduceSumSquareOp op, Gradients &g) {
  g.to(op.getX(), [&] { return 2 * Term(g, op.getX()) * spread(op, g.of(op.getY()), g); });
}

/// Zero where the norm is.
void reduceL2(ReduceL2Op op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term y(g, op.getY()), dy(g, g.of(op.getY()));
    return Term(g, op.getX()) * spread(op, dy / y.then<MaxOp>(y.of(1e-30).value), g);
  });
}

void softmax(SoftmaxOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term y(g, op.getY()), dy(g, g.of(op.getY()));
    return y * (dy - Term(g, g.sum(dy * y, op.getAxis())));
  });
}

void logSoftmax(LogSoftmaxOp op, Gradients &g) {
  g.to(op.getX(), [&] {
    Term y(g, op.getY()), dy(g, g.of(op.getY()));
    return dy - y.then<ExpOp>() * Term(g, g.sum(dy, op.getAxis()));
  });
}

/// What normalizations divide by: 1 / sqrt(mean(x^2) + epsilon) over the dims from `axis` on.
Term inverseRoot(Term x, ArrayRef<int64_t> axes, double epsilon) {
  Term mean(*x.g, x.g->mean(x * x, axes));
  return 1 / (epsilon + mean).then<SqrtOp>();
}

void rmsNormalization(RMSNormalizationOp op, Gradients &g) {
  Term x(g, op.getX()), dy(g, g.of(op.getY()));
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), rankOf(x)));
  Term inverse = inverseRoot(x, axes, op.getEpsilon().convertToFloat()), normal = x * inverse;
  g.to(op.getX(), [&] {
    Term scaled = dy * Term(g, op.getScale());
    return inverse * (scaled - normal * Term(g, g.mean(scaled * normal, axes)));
  });
  g.to(op.getScale(), [&] { return dy * normal; });
}

void layerNormalization(LayerNormalizationOp op, Gradients &g) {
  Term x(g, op.getX()), dy(g, g.of(op.getY()));
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), rankOf(x)));
  auto mean = [&](Term value) { return Term(g, g.mean(value, axes)); };
  Term centered = x - mean(x), inverse = inverseRoot(centered, axes, op.getEpsilon().convertToFloat()), normal = centered * inverse;
  g.to(op.getX(), [&] {
    Term scaled = dy * Term(g, op.getScale());
    return inverse * (scaled - mean(scaled) - normal * mean(scaled * normal));
  });
  g.to(op.getScale(), [&] { return dy * normal; });
  if (op.getBias())
    g.to(op.getBias(), [&] { return dy; });
}

} // namespace

void qopt::nn::addReduceGradients(GradientTable &table) {
  table.add<ReduceSumOp>(reduceSum);
  table.add<ReduceMeanOp>(reduceMean);
  table.add<ReduceSumSquareOp>(reduceSumSquare);
  table.add<ReduceL2Op>(reduceL2);
  table.add<SoftmaxOp>(softmax);
  table.add<LogSoftmaxOp>(logSoftmax);
  table.add<LayerNormalizationOp>(layerNormalization);
  table.add<RMSNormalizationOp>(rmsNormalization);
}
