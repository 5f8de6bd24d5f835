// Pooling.
#include "Windows.h"

using namespace mlir;
using namespace qopt;

namespace {
bool isPoolRank(Node &n, Value x, int64_t least = 3) {
  if (n.rank(x) >= least)
    return true;
  (void)n.fail("pools an input of rank " + Twine(n.rank(x)) + "; it needs at least " + Twine(least));
  return false;
}

template <typename Op> LogicalResult pool(Node &n, const Attrs &more) {
  Value x = n.in(0);
  if (!isPoolRank(n, x))
    return failure();
  if (!n.hasAttr("kernel_shape"))
    return n.fail("has no kernel_shape");
  auto window = readWindow(n, n.dims(x).drop_front(2), {});
  if (!window)
    return failure();
  Attrs attrs = more;
  addWindow(attrs, *window).ints("kernel_shape", window->kernel).b("ceil_mode", n.flag("ceil_mode", false));
  return n.one(n.make<Op>(n.elem(x), {x}, attrs));
}

LogicalResult maxPool(Node &n) {
  if (!n.isUsed(1))
    return pool<nn::MaxPoolOp>(n, n.attrs());
  Value x = n.in(0);
  if (!isPoolRank(n, x))
    return failure();
  auto window = readWindow(n, n.dims(x).drop_front(2), {});
  if (!window)
    return failure();
  if (window->autoPad != "NOTSET")
    return n.unsupported("its indices are used and its pads follow from a dim that is not static");
  Attrs attrs = n.attrs();
  addWindow(attrs, *window).ints("kernel_shape", window->kernel).b("ceil_mode", n.flag("ceil_mode", false))
      .i("storage_order", n.i("storage_order", 0));
  auto both = n.makeMany<nn::MaxPoolIndicesOp>({n.elem(x), n.i64()}, {x}, attrs);
  n.set(1, both[1]);
  return n.one(both[0]);
}

LogicalResult averagePool(Node &n) {
  return pool<nn::AveragePoolOp>(n, n.attrs().b("count_include_pad", n.flag("count_include_pad", false)));
}
LogicalResult lpPool(Node &n) { return pool<nn::LpPoolOp>(n, n.attrs().i("p", n.i("p", 2))); }

template <typename Op> LogicalResult global(Node &n) {
  Value x = n.in(0);
  if (!isPoolRank(n, x, 2))
    return failure();
  Dims axes;
  for (int64_t i = 2; i < n.rank(x); ++i)
    axes.push_back(i);
  return n.one(n.make<Op>(n.elem(x), {x}, n.attrs().ints("axes", axes).b("keepdims", true)));
}

LogicalResult globalLp(Node &n) {
  int64_t p = n.i("p", 2);
  if (p == 1)
    return global<nn::ReduceL1Op>(n);
  return p == 2 ? global<nn::ReduceL2Op>(n) : n.unsupported("its norm p is " + Twine(p));
}
} // namespace

void qopt::addPool(Handlers &t) {
  t["/MaxPool"] = maxPool, t["/AveragePool"] = averagePool, t["/LpPool"] = lpPool;
  t["/GlobalAveragePool"] = global<nn::ReduceMeanOp>, t["/GlobalMaxPool"] = global<nn::ReduceMaxOp>, t["/GlobalLpPool"] = globalLp;
}
