#include "qopt/Interfaces/LinearLike.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

#include "qopt/Interfaces/LinearLike.cpp.inc"

ElementsAttr qopt::constantWeight(LinearLikeOpInterface op) {
  ElementsAttr weight;
  matchPattern(op.getWeightOperand().get(), m_Constant(&weight));
  return weight;
}
