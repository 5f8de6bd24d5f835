// Codes out of a program and into it.
#include "QuantizeWeights.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/Transforms/Reconstruction.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qopt;

namespace {

bool isSigned(qir::DequantizeOp weight) { return !cast<RankedTensorType>(weight.getQ().getType()).getElementType().isUnsignedInteger(); }

BlockGrid gridOf(qir::DequantizeOp weight) {
  auto type = cast<RankedTensorType>(weight.getX().getType()), scale = cast<RankedTensorType>(weight.getScale().getType());
  BlockGrid::Dims shape(type.getShape());
  if (auto box = weight.getBlockShape())
    return BlockGrid(shape, BlockGrid::Dims(*box));
  if (scale.getNumElements() == 1)
    return BlockGrid::perTensor(shape);
  auto axis = static_cast<int>(*weight.getAxis());
  return weight.getBlockSize() ? BlockGrid::perGroup(shape, axis, static_cast<int64_t>(*weight.getBlockSize())) : BlockGrid::perAxis(shape, axis);
}

/// As affineOptions has it: symmetric int8 leaves -128 out.
IntRange rangeOf(qir::DequantizeOp weight) {
  unsigned bits = cast<RankedTensorType>(weight.getQ().getType()).getElementTypeBitWidth();
  int64_t codes = int64_t(1) << bits;
  if (!isSigned(weight))
    return {0, codes - 1};
  bool leavesLowest = bits > 4 && !weight.getZeroPoint();
  return {-codes / 2 + leavesLowest, codes / 2 - 1};
}

} // namespace

CodesToTrain qopt::codesOf(const TrainableWeight &weight) {
  auto dequantize = cast<qir::DequantizeOp>(weight.weight);
  CodesToTrain found{gridOf(dequantize), numbersOf(constantOf(dequantize.getQ()), isSigned(dequantize)),
                     FloatElements(constantOf(dequantize.getScale())).values().vec(), {}, rangeOf(dequantize)};
  if (dequantize.getZeroPoint())
    found.zeroPoints = numbersOf(constantOf(dequantize.getZeroPoint()), isSigned(dequantize));
  return found;
}

void qopt::replaceCodes(const TrainableWeight &weight, llvm::ArrayRef<uint8_t> codes, llvm::ArrayRef<float> scales) {
  auto dequantize = cast<qir::DequantizeOp>(weight.weight);
  OpBuilder b(dequantize);
  auto type = cast<RankedTensorType>(dequantize.getQ().getType());
  dequantize.getQMutable().assign(nn::ConstantOp::create(b, dequantize.getQ().getLoc(), makeElements<uint8_t>(type, codes, "trained_codes")));
  if (scales.empty())
    return;
  auto scaleType = cast<RankedTensorType>(dequantize.getScale().getType());
  dequantize.getScaleMutable().assign(nn::ConstantOp::create(b, dequantize.getScale().getLoc(), makeElements<float>(scaleType, scales, "trained_scale")));
}
