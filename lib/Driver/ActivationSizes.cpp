#include "ActivationSizes.h"

#include "qopt/Interfaces/LinearLike.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace llvm;
using namespace qopt;

namespace {

class Walker {
public:
  Walker(mlir::func::FuncOp main, ArrayRef<SmallVector<int64_t>> inputShapes) : main(main) {
    for (auto [argument, given] : zip(main.getArguments(), inputShapes)) {
      auto type = dyn_cast<mlir::RankedTensorType>(argument.getType());
      if (!type || type.getRank() != static_cast<int64_t>(given.size()))
        continue;
      shapes[argument].assign(given.begin(), given.end());
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        if (type.isDynamicDim(axis))
          (axis == 0 ? samples : open) = std::max(axis == 0 ? samples : open, given[axis]);
    }
  }

  ActivationSizes run() {
    mlir::Block &block = main.getBody().front();
    DenseMap<mlir::Operation *, int64_t> freed; // bytes that end with an op
    int64_t alive = 0;
    for (mlir::Value argument : block.getArguments())
      alive += enter(argument, freed);
    for (mlir::Operation &op : block) {
      if (!op.hasTrait<mlir::OpTrait::ConstantLike>())
        for (mlir::Value result : op.getResults())
          alive += enter(result, freed);
      sizes.peak = std::max(sizes.peak, alive);
      alive -= freed.lookup(&op);
      if (auto linear = dyn_cast<LinearLikeOpInterface>(op))
        sizes.rows[&op] = rowsOf(linear);
    }
    return std::move(sizes);
  }

private:
  SmallVector<int64_t> shapeOf(mlir::Value value) const {
    if (auto known = shapes.find(value); known != shapes.end())
      return known->second;
    auto type = dyn_cast<mlir::RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type ? type.getShape() : ArrayRef<int64_t>());
    for (auto [axis, dim] : enumerate(shape))
      if (mlir::ShapedType::isDynamic(dim))
        dim = axis == 0 ? samples : open;
    return shape;
  }

  static int64_t product(ArrayRef<int64_t> dims) {
    int64_t result = 1;
    for (int64_t dim : dims)
      result = SaturatingMultiply<uint64_t>(result, dim) > INT32_MAX * int64_t(1024) ? INT32_MAX * int64_t(1024) : result * dim;
    return result;
  }

  /// The value's bytes, which go after its last use in the block.
  int64_t enter(mlir::Value value, DenseMap<mlir::Operation *, int64_t> &freed) {
    auto type = dyn_cast<mlir::RankedTensorType>(value.getType());
    if (!type || !type.getElementType().isIntOrIndexOrFloat())
      return 0;
    SmallVector<int64_t> shape = shapeOf(value);
    if (type.getElementType().isF32()) {
      ++sizes.tensors;
      sizes.channels += shape.empty() ? 1 : shape.size() == 4 ? shape[1] : shape.back();
    }
    int64_t bytes = product(shape) * divideCeil(type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth(), 8);
    sizes.total += bytes;
    sizes.bytes[value] = bytes;
    mlir::Operation *last = nullptr;
    for (mlir::Operation *user : value.getUsers())
      if (mlir::Operation *here = value.getParentBlock()->findAncestorOpInBlock(*user); here && (!last || last->isBeforeInBlock(here)))
        last = here;
    if (last)
      freed[last] += bytes;
    return last ? bytes : 0;
  }

  int64_t rowsOf(LinearLikeOpInterface op) const {
    mlir::ElementsAttr weight = constantWeight(op);
    if (!weight || op.getWeightOutputAxis() < 0)
      return 0;
    int64_t outputs = weight.getShapedType().getDimSize(op.getWeightOutputAxis());
    return outputs ? product(shapeOf(op->getResult(0))) / outputs : 0;
  }

  mlir::func::FuncOp main;
  DenseMap<mlir::Value, SmallVector<int64_t>> shapes;
  int64_t samples = 1, open = 1;
  ActivationSizes sizes;
};

} // namespace

ActivationSizes qopt::activationSizes(mlir::ModuleOp module, ArrayRef<SmallVector<int64_t>> inputShapes) {
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  return main && !main.isExternal() ? Walker(main, inputShapes).run() : ActivationSizes();
}
