// Gradients through quantization.
#include "GradientImpl.h"

#include "qopt/Dialect/Qopt/IR/Qopt.h"

using namespace mlir;
using namespace qopt::nn;
namespace qir = qopt::qir;

namespace {

/// How many neighbours along each dim share a scale; 1: each has its own; 0: a scale dim of one serves all of them.
SmallVector<int64_t> boxOf(qir::DequantizeOp op) {
  RankedTensorType x = typeOf(op.getX()), scale = typeOf(op.getScale());
  if (auto box = op.getBlockShape())
    return SmallVector<int64_t>(*box);
  SmallVector<int64_t> box(x.getRank(), 1);
  if (op.getBlockSize()) {
    box[*op.getAxis()] = *op.getBlockSize();
    return box;
  }
  for (auto [dim, count] : llvm::enumerate(box)) {
    bool isChannel = scale.getRank() == 1 && scale.getNumElements() != 1 && op.getAxis() == dim;
    bool isOwn = scale.getRank() == x.getRank() && scale.getDimSize(dim) != 1;
    count = isChannel || isOwn;
  }
  return box;
}

/// Sums of neighbours, `count` at a time (the last may be fewer): null where the size is not known.
Value sumBlocks(Value value, int64_t dim, int64_t count, Gradients &g) {
  int64_t size = typeOf(value).getDimSize(dim);
  if (ShapedType::isDynamic(size))
    return {};
  int64_t blocks = (size + count - 1) / count;
  value = g.pad(value, dim, 0, blocks * count - size);
  SmallVector<Size> sizes = sizesOf(value);
  sizes[dim] = blocks;
  sizes.insert(sizes.begin() + dim + 1, count);
  return g.sum(g.reshape(value, sizes), dim + 1, /*keepdims=*/false);
}

/// The gradient of the scales: dx (q - zero point), summed over all that share one. Codes less zero points are what a scale of one
/// makes of them.
Value scaleGradient(qir::DequantizeOp op, Gradients &g) {
  RankedTensorType type = typeOf(op.getScale());
  Type element = typeOf(op.getX()).getElementType();
  if (!type.hasStaticShape())
    return {};
  Value ones = g.constant(DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), 1.0)));
  Value codes = g.makeAs<qir::DequantizeOp>(element, op.getQ(), ones, op.getZeroPoint(), op.getAxisAttr(), op.getBlockSizeAttr(),
                                            op.getBlockShapeAttr());
  Value sum = Term(g, g.of(op.getX())) * Term(g, codes);
  SmallVector<int64_t> whole;
  for (auto [dim, count] : llvm::enumerate(boxOf(op))) {
    if (count == 0)
      whole.push_back(dim);
    else if (count > 1 && !(sum = sumBlocks(sum, dim, count, g)))
      return {};
  }
  return g.cast(g.reshapeLike(g.sum(sum, whole), op.getScale()), type.getElementType());
}

void dequantize(qir::DequantizeOp op, Gradients &g) {
  g.to(op.getScale(), [&] { return scaleGradient(op, g); });
}

} // namespace

void qopt::nn::addQuantGradients(GradientTable &table) { table.add<qir::DequantizeOp>(dequantize); }
