#include "qopt/Dialect/NN/IR/NN.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace qopt::nn;

namespace {
RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }
} // namespace

LogicalResult TransposeOp::verify() {
  int64_t rank = tensorType(getX()).getRank();
  ArrayRef<int64_t> perm = getPerm();
  llvm::SmallBitVector seen(rank);
  if (static_cast<int64_t>(perm.size()) != rank)
    return emitOpError("perm has ") << perm.size() << " entries for an operand of rank " << rank;
  for (int64_t dim : perm) {
    if (dim < 0 || dim >= rank || seen[dim])
      return emitOpError("perm is not a permutation of 0 to ") << rank - 1;
    seen.set(dim);
  }
  return success();
}

LogicalResult ConcatOp::verify() {
  if (getInputs().empty())
    return emitOpError("joins nothing: it needs an operand");
  int64_t rank = tensorType(getY()).getRank();
  if (getAxis() >= static_cast<uint64_t>(rank))
    return emitOpError("axis ") << getAxis() << " is out of range for rank " << rank;
  for (Value input : getInputs())
    if (tensorType(input).getRank() != rank)
      return emitOpError("joins tensors of ranks ") << tensorType(input).getRank() << " and " << rank;
  return success();
}

LogicalResult ConvOp::verify() {
  int64_t rank = tensorType(getX()).getRank(), spatial = rank - 2;
  if (spatial < 1 || tensorType(getW()).getRank() != rank)
    return emitOpError("needs an input and a weight of one rank of at least 3");
  if (getGroup() < 1)
    return emitOpError("group is ") << static_cast<int64_t>(getGroup()) << "; it must be at least 1";
  if (static_cast<int64_t>(getStrides().size()) != spatial || static_cast<int64_t>(getDilations().size()) != spatial ||
      static_cast<int64_t>(getPads().size()) != 2 * spatial)
    return emitOpError("strides, dilations and pads must have ") << spatial << ", " << spatial << " and " << 2 * spatial
                                                                << " entries";
  auto positive = [](int64_t v) { return v > 0; };
  if (!llvm::all_of(getStrides(), positive) || !llvm::all_of(getDilations(), positive))
    return emitOpError("strides and dilations must be positive");
  if (getLayout() != "NCX" && getLayout() != "NXC")
    return emitOpError("layout is \"") << getLayout() << "\"; it must be NCX or NXC";
  return success();
}
