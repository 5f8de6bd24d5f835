#include "qopt/Interfaces/LinearLike.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

#include "qopt/Interfaces/LinearLike.cpp.inc"

ElementsAttr qopt::constantWeight(LinearLikeOpInterface op) {
  ElementsAttr weight;
  matchPattern(op.getWeightOperand().get(), m_Constant(&weight));
  return weight;
}

bool qopt::hasMatrixWeight(LinearLikeOpInterface op) {
  auto weight = dyn_cast<RankedTensorType>(op.getWeightOperand().get().getType());
  int64_t rows = op.getWeightOutputAxis(), columns = op.getWeightInputAxis();
  if (!weight || rows < 0 || columns < 0)
    return false;
  for (auto [axis, dim] : llvm::enumerate(weight.getShape()))
    if (dim != 1 && static_cast<int64_t>(axis) != rows && static_cast<int64_t>(axis) != columns)
      return false;
  return true;
}
