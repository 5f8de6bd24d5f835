// Ops that pick or place elements by index.
#include "Node.h"

using namespace mlir;
using namespace qopt;

namespace {
LogicalResult needIntegers(Node &n, Value indices) {
  auto type = dyn_cast<IntegerType>(n.elem(indices));
  return type && type.getWidth() >= 32 ? success() : n.fail("has indices that are not of type int32 or int64");
}

template <typename Op> LogicalResult gatherAlong(Node &n) {
  if (failed(needIntegers(n, n.in(1))))
    return failure();
  return n.one(n.make<Op>(n.elem(n.in(0)), {n.in(0), n.in(1)}, n.attrs().i("axis", n.axis(n.i("axis", 0), n.rank(n.in(0))))));
}

LogicalResult gatherND(Node &n) {
  if (failed(needIntegers(n, n.in(1))))
    return failure();
  return n.one(n.make<nn::GatherNDOp>(n.elem(n.in(0)), {n.in(0), n.in(1)}, n.attrs().i("batch_dims", n.i("batch_dims", 0))));
}

LogicalResult checkReduction(Node &n, std::string &reduction) {
  reduction = n.s("reduction", "none");
  for (StringRef known : {"none", "add", "mul", "max", "min"})
    if (reduction == known)
      return success();
  return n.fail("has the unknown reduction '" + reduction + "'");
}

LogicalResult scatterElements(Node &n) {
  std::string reduction;
  if (failed(needIntegers(n, n.in(1))) || failed(checkReduction(n, reduction)))
    return failure();
  if (n.rank(n.in(2)) != n.rank(n.in(1)))
    return n.fail("has indices and updates of different ranks");
  return n.one(n.make<nn::ScatterElementsOp>(
      n.elem(n.in(0)), {n.in(0), n.in(1), n.in(2)},
      n.attrs().i("axis", n.axis(n.i("axis", 0), n.rank(n.in(0)))).s("reduction", reduction)));
}

LogicalResult scatterND(Node &n) {
  std::string reduction;
  if (failed(needIntegers(n, n.in(1))) || failed(checkReduction(n, reduction)))
    return failure();
  if (n.rank(n.in(1)) < 1)
    return n.fail("has scalar indices");
  int64_t tuple = n.dims(n.in(1)).back();
  if (!ShapedType::isDynamic(tuple) && (tuple > n.rank(n.in(0)) || n.rank(n.in(2)) != n.rank(n.in(1)) - 1 + n.rank(n.in(0)) - tuple))
    return n.fail("has index tuples of " + Twine(tuple) + " that do not fit the ranks of its data and updates");
  return n.one(n.make<nn::ScatterNDOp>(n.elem(n.in(0)), {n.in(0), n.in(1), n.in(2)}, n.attrs().s("reduction", reduction)));
}

LogicalResult nonZero(Node &n) { return n.one(n.make<nn::NonZeroOp>(n.i64(), {n.in(0)})); }

LogicalResult compress(Node &n) {
  Attrs attrs = n.attrs();
  if (n.hasAttr("axis"))
    attrs.i("axis", n.axis(n.i("axis", 0), n.rank(n.in(0))));
  return n.one(n.make<nn::CompressOp>(n.elem(n.in(0)), {n.in(0), n.in(1)}, attrs));
}

LogicalResult reverseSequence(Node &n) {
  int64_t batch = n.i("batch_axis", 1), time = n.i("time_axis", 0);
  if (n.rank(n.in(0)) < 2 || batch + time != 1 || batch < 0 || time < 0)
    return n.fail("needs an input of rank 2 at least and the batch and time axes 0 and 1");
  return n.one(n.make<nn::ReverseSequenceOp>(n.elem(n.in(0)), {n.in(0), n.in(1)},
                                             n.attrs().i("batch_axis", batch).i("time_axis", time)));
}
} // namespace

void qopt::addIndex(Handlers &t) {
  t["/Gather"] = gatherAlong<nn::GatherOp>, t["/GatherElements"] = gatherAlong<nn::GatherElementsOp>, t["/GatherND"] = gatherND;
  t["/Scatter"] = scatterElements, t["/ScatterElements"] = scatterElements, t["/ScatterND"] = scatterND;
  t["/NonZero"] = nonZero, t["/Compress"] = compress, t["/ReverseSequence"] = reverseSequence;
}
