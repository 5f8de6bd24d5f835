// Fused attention as the ops it stands for, which have gradients.
#include "GradientImpl.h"

using namespace mlir;
using namespace qopt::nn;

namespace {

/// Heads of keys or values, each as often as queries share it: null where the numbers of heads are not known.
Value repeated(Value heads, Value q, Gradients &g) {
  int64_t count = typeOf(heads).getDimSize(1), wanted = typeOf(q).getDimSize(1);
  if (count == wanted && !ShapedType::isDynamic(count))
    return heads;
  if (ShapedType::isDynamic(count) || ShapedType::isDynamic(wanted) || count == 0 || wanted % count != 0)
    return {};
  SmallVector<int64_t> indices;
  for (int64_t head = 0; head < wanted; ++head)
    indices.push_back(head / (wanted / count));
  return g.make<GatherOp>(heads, g.ints(indices), 1);
}

/// Where the query may look: a condition that broadcasts to the scores, or null.
Value visible(AttentionOp op, Gradients &g) {
  Value mask = op.getMask();
  bool isBoolean = mask && typeOf(mask).getElementType().isInteger(1);
  if (!op.getIsCausal())
    return isBoolean ? mask : Value();
  Type f32 = g.b.getF32Type();
  Value ones = Term(g, g.zeros({Size(op.getQ(), 2), Size(op.getK(), 2)}, f32)) + Term(g, g.number(1, f32));
  Value before = g.cast(g.make<TriluOp>(ones, Value(), /*upper=*/false), g.b.getI1Type());
  return isBoolean ? g.makeAs<AndOp>(g.b.getI1Type(), before, mask) : before;
}

Term scoresOf(AttentionOp op, Value keys, Gradients &g) {
  Term scores(g, g.make<MatMulOp>(op.getQ(), g.transposed(keys)));
  scores = op.getScale().convertToDouble() * scores;
  if (double cap = op.getSoftcap().convertToDouble(); cap != 0)
    scores = cap * ((1 / cap) * scores).then<TanhOp>();
  if (Value mask = op.getMask(); mask && isa<FloatType>(typeOf(mask).getElementType()))
    scores = scores + Term(g, g.cast(mask, typeOf(scores).getElementType()));
  return scores;
}

} // namespace

void qopt::nn::openAttention(AttentionOp op) {
  llvm::DenseSet<Value> none;
  Gradients g(op, none);
  Value keys = repeated(op.getK(), op.getQ(), g), values = repeated(op.getV(), op.getQ(), g);
  if (!typeOf(op.getY()).getElementType().isF32() || !keys || !values)
    return;
  Term scores = scoresOf(op, keys, g);
  Value condition = visible(op, g);
  auto only = [&](Term value, double other) { return Term(g, g.makeAs<WhereOp>(g.b.getF32Type(), condition, value.value, value.of(other))); };
  if (condition)
    scores = only(scores, std::numeric_limits<float>::lowest());
  Term weights = scores.then<SoftmaxOp>(3);
  if (condition) // A query that sees nothing gets zeros.
    weights = only(weights, 0);
  Value y = g.make<MatMulOp>(weights, values);
  y.setType(op.getType());
  op.getY().replaceAllUsesWith(y);
  op->erase();
}
