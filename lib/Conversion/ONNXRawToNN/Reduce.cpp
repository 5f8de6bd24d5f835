// Reductions, arg-reductions, running sums, top-k.
#include "Node.h"

using namespace mlir;
using namespace qopt;

namespace {
template <typename Op> LogicalResult reduce(Node &n) {
  Value x = n.in(0);
  auto axes = n.intsOf("axes", 1);
  if (n.failed())
    return failure();
  Dims normalized = n.axes(axes.value_or(Dims()), n.rank(x));
  if (normalized.empty() && !(n.flag("noop_with_empty_axes", false)))
    for (int64_t i = 0; i < n.rank(x); ++i)
      normalized.push_back(i);
  llvm::sort(normalized);
  return n.one(n.make<Op>(n.elem(x), {x}, n.attrs().ints("axes", normalized).b("keepdims", n.flag("keepdims", true))));
}

template <typename Op> LogicalResult arg(Node &n) {
  Value x = n.in(0);
  return n.one(n.make<Op>(n.i64(), {x},
                          n.attrs().i("axis", n.axis(n.i("axis", 0), n.rank(x))).b("keepdims", n.flag("keepdims", true))
                              .b("select_last_index", n.flag("select_last_index", false))));
}

LogicalResult cumSum(Node &n) {
  Value x = n.in(0);
  auto axis = n.constantIntsOf(1, "axis");
  if (!axis || axis->size() != 1)
    return n.failed() ? failure() : n.fail("needs one axis");
  return n.one(n.make<nn::CumSumOp>(n.elem(x), {x},
                                    n.attrs().i("axis", n.axis(axis->front(), n.rank(x))).b("exclusive", n.flag("exclusive", false))
                                        .b("reverse", n.flag("reverse", false))));
}

LogicalResult topK(Node &n) {
  Value x = n.in(0);
  Value k = n.hasAttr("k") ? n.constantInts({n.i("k", 0)}) : n.in(1);
  if (n.rank(k) == 0)
    k = n.unsqueeze(k, {0});
  auto both = n.makeMany<nn::TopKOp>({n.elem(x), n.i64()}, {x, k},
                                     n.attrs().i("axis", n.axis(n.i("axis", -1), n.rank(x))).b("largest", n.flag("largest", true))
                                         .b("sorted", n.flag("sorted", true)));
  n.set(1, both[1]);
  return n.one(both[0]);
}
} // namespace

void qopt::addReduce(Handlers &t) {
  using namespace nn;
  t["/ReduceL1"] = reduce<ReduceL1Op>, t["/ReduceL2"] = reduce<ReduceL2Op>, t["/ReduceLogSum"] = reduce<ReduceLogSumOp>;
  t["/ReduceLogSumExp"] = reduce<ReduceLogSumExpOp>, t["/ReduceMax"] = reduce<ReduceMaxOp>, t["/ReduceMean"] = reduce<ReduceMeanOp>;
  t["/ReduceMin"] = reduce<ReduceMinOp>, t["/ReduceProd"] = reduce<ReduceProdOp>, t["/ReduceSum"] = reduce<ReduceSumOp>;
  t["/ReduceSumSquare"] = reduce<ReduceSumSquareOp>;
  t["/ArgMax"] = arg<ArgMaxOp>, t["/ArgMin"] = arg<ArgMinOp>, t["/CumSum"] = cumSum, t["/TopK"] = topK;
}
