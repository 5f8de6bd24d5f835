// Normalizations and softmax.
#include "Node.h"

using namespace mlir;
using namespace qopt;

namespace {
/// Before opset 13 softmax flattened its input to a matrix at `axis` (default 1), after that it works along `axis` (default -1).
template <typename Op> LogicalResult softmax(Node &n) {
  Value x = n.in(0);
  int64_t rank = n.rank(x);
  if (n.version >= 13 || rank == 0)
    return n.one(n.make<Op>(n.elem(x), {x}, n.attrs().i("axis", n.axis(n.i("axis", -1), rank))));
  int64_t axis = n.i("axis", 1);
  axis = axis == rank ? rank : n.axis(axis, rank);
  if (n.failed())
    return failure();
  if (axis == rank - 1)
    return n.one(n.make<Op>(n.elem(x), {x}, n.attrs().i("axis", axis)));
  Value flat = n.make<nn::FlattenOp>(n.elem(x), {x}, n.attrs().i("axis", axis));
  Value soft = n.make<Op>(n.elem(x), {flat}, n.attrs().i("axis", 1));
  return n.one(n.make<nn::ReshapeOp>(n.elem(x), {soft, n.shapeOf(x)}, n.attrs().b("allowzero", true)));
}

/// Computes in f32, as `stash_type` 1 asks for, where the operands are narrower.
LogicalResult layerNorm(Node &n) {
  Value x = n.in(0);
  if (n.isUsed(1) || n.isUsed(2))
    return n.unsupported("its mean or deviation is used");
  int64_t axis = n.axis(n.i("axis", -1), n.rank(x));
  return n.one(n.make<nn::LayerNormalizationOp>(n.elem(x), {x, n.in(1), n.optional(2)},
                                                n.attrs().i("axis", axis).f("epsilon", n.f("epsilon", 1e-5f))));
}

LogicalResult rmsNorm(Node &n) {
  Value x = n.in(0);
  int64_t axis = n.axis(n.i("axis", -1), n.rank(x));
  return n.one(n.make<nn::RMSNormalizationOp>(n.elem(x), {x, n.in(1)},
                                              n.attrs().i("axis", axis).f("epsilon", n.f("epsilon", 1e-5f))));
}

LogicalResult batchNorm(Node &n) {
  if (n.flag("training_mode", false))
    return n.unsupported("it is in training mode");
  if (n.version < 9 && n.i("spatial", 1) == 0)
    return n.unsupported("it has statistics per element (spatial 0)");
  for (size_t i = 1; i < n.numOutputs(); ++i)
    if (n.isUsed(i))
      return n.unsupported("its running statistics are used");
  Value x = n.in(0);
  if (n.rank(x) < 2)
    return n.fail("normalizes the channels of an input of rank " + Twine(n.rank(x)));
  for (size_t i = 1; i <= 4; ++i) {
    int64_t channels = n.dims(x)[1];
    if (n.rank(n.in(i)) != 1)
      return n.fail("has an operand " + Twine(i) + " that is no vector");
    int64_t size = n.dims(n.in(i))[0];
    if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(channels) && size != channels)
      return n.fail("has " + Twine(size) + " values in operand " + Twine(i) + " for " + Twine(channels) + " channels");
  }
  auto like = [&](size_t i) { return n.cast(n.in(i), n.elem(x)); };
  return n.one(n.make<nn::BatchNormalizationOp>(n.elem(x), {x, like(1), like(2), like(3), like(4)},
                                                n.attrs().f("epsilon", n.f("epsilon", 1e-5f))));
}

LogicalResult instanceNorm(Node &n) {
  Value x = n.in(0);
  if (n.rank(x) < 3)
    return n.fail("normalizes the spatial dims of an input of rank " + Twine(n.rank(x)));
  return n.one(n.make<nn::InstanceNormalizationOp>(n.elem(x), {x, n.in(1), n.in(2)},
                                                   n.attrs().f("epsilon", n.f("epsilon", 1e-5f))));
}

LogicalResult lrn(Node &n) {
  int64_t size = n.i("size", 0);
  if (size < 1)
    return n.fail("has the size " + Twine(size) + "; it must be at least 1");
  return n.one(n.make<nn::LRNOp>(n.elem(n.in(0)), {n.in(0)},
                                 n.attrs().f("alpha", n.f("alpha", 1e-4f)).f("beta", n.f("beta", 0.75)).f("bias", n.f("bias", 1))
                                     .i("size", size)));
}

LogicalResult lpNorm(Node &n) {
  int64_t p = n.i("p", 2);
  if (p != 1 && p != 2)
    return n.fail("has the norm p " + Twine(p) + ", which is neither 1 nor 2");
  return n.one(n.make<nn::LpNormalizationOp>(n.elem(n.in(0)), {n.in(0)},
                                             n.attrs().i("axis", n.axis(n.i("axis", -1), n.rank(n.in(0)))).i("p", p)));
}
} // namespace

void qopt::addNorm(Handlers &t) {
  t["/Softmax"] = softmax<nn::SoftmaxOp>, t["/LogSoftmax"] = softmax<nn::LogSoftmaxOp>, t["/Hardmax"] = softmax<nn::HardmaxOp>;
  t["/LayerNormalization"] = layerNorm, t["/RMSNormalization"] = rmsNorm, t["/BatchNormalization"] = batchNorm;
  t["/InstanceNormalization"] = instanceNorm, t["/LRN"] = lrn, t["/LpNormalization"] = lpNorm;
}
