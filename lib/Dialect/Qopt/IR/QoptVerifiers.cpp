// What quantize, dequantize, dynamic_scale and lookup ask of their operands. Dims that are not known are not judged.
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace qopt::qir;

namespace {

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

bool differ(int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; }

/// Dim `dim` of the scales of blocks of `block`; dynamic where x's is.
int64_t blocksOf(RankedTensorType x, int64_t dim, int64_t block) {
  return x.isDynamicDim(dim) ? ShapedType::kDynamic : (x.getDimSize(dim) + block - 1) / block;
}

/// The box that shares a scale, 0 in dims where a scale dim of one stands for all of x's. Fails with an error.
template <typename Op> FailureOr<SmallVector<int64_t>> boxOf(Op op, RankedTensorType x) {
  int64_t rank = x.getRank();
  if (auto box = op.getBlockShape()) {
    if (op.getAxis() || op.getBlockSize())
      return op.emitOpError("has a block_shape and an axis or block_size; the shape says all");
    if (static_cast<int64_t>(box->size()) != rank)
      return op.emitOpError("block_shape has ") << box->size() << " entries for a tensor of rank " << rank;
    for (int64_t size : *box)
      if (size < 1)
        return op.emitOpError("block_shape has an entry of ") << size << "; blocks hold at least one element";
    return SmallVector<int64_t>(*box);
  }
  if (op.getAxis() && *op.getAxis() >= static_cast<uint64_t>(rank))
    return op.emitOpError("axis ") << static_cast<int64_t>(*op.getAxis()) << " is out of range for rank " << rank;
  if (!op.getBlockSize())
    return SmallVector<int64_t>(rank, 0);
  if (!op.getAxis())
    return op.emitOpError("has a block_size and no axis");
  if (static_cast<int64_t>(*op.getBlockSize()) < 1)
    return op.emitOpError("block_size is ") << static_cast<int64_t>(*op.getBlockSize()) << "; blocks hold at least one element";
  SmallVector<int64_t> box(rank, 1);
  box[*op.getAxis()] = *op.getBlockSize();
  return box;
}

/// Scale or zero point against the tensor that it is for.
template <typename Op> LogicalResult verifyParameter(Op op, RankedTensorType x, ArrayRef<int64_t> box, Value value, StringRef what) {
  RankedTensorType type = tensorType(value);
  bool isBlocked = op.getBlockSize() || op.getBlockShape();
  if (!isBlocked && (type.getRank() == 0 || (type.hasStaticShape() && type.getNumElements() == 1)))
    return success();
  if (!isBlocked && type.getRank() == 1 && op.getAxis()) {
    if (differ(type.getDimSize(0), x.getDimSize(*op.getAxis())))
      return op.emitOpError() << what << " has " << type.getDimSize(0) << " elements for dim " << static_cast<int64_t>(*op.getAxis())
                              << " of size " << x.getDimSize(*op.getAxis());
    return success();
  }
  if (type.getRank() != x.getRank())
    return op.emitOpError() << what << " has rank " << type.getRank() << "; it must be a scalar, a vector along axis, or of rank "
                            << x.getRank();
  for (auto [dim, size] : llvm::enumerate(box)) {
    int64_t wanted = size ? blocksOf(x, dim, size) : x.getDimSize(dim);
    if (differ(type.getDimSize(dim), wanted) && !(size == 0 && type.getDimSize(dim) == 1))
      return op.emitOpError() << what << " has " << type.getDimSize(dim) << " elements in dim " << dim << "; it needs " << wanted;
  }
  return success();
}

template <typename Op> LogicalResult verifyScaled(Op op, Value numbers, Value codes, bool lookedUp) {
  RankedTensorType x = tensorType(numbers), q = tensorType(codes);
  if (!isa<FloatType>(x.getElementType()))
    return op.emitOpError("has numbers of type ") << x.getElementType() << "; they must be floats";
  Type code = q.getElementType();
  bool isCode = (isa<IntegerType>(code) && code.getIntOrFloatBitWidth() > 1) ||
                (isa<FloatType>(code) && (code.getIntOrFloatBitWidth() <= 8 || (lookedUp && code.isF32())));
  if (!isCode)
    return op.emitOpError("has codes of type ") << code << "; they must be integers of more than one bit or floats of at most 8";
  if (!isa<FloatType>(tensorType(op.getScale()).getElementType()))
    return op.emitOpError("has a scale of type ") << tensorType(op.getScale()).getElementType() << "; it must be a float";
  if (x.getRank() != q.getRank())
    return op.emitOpError("has numbers of rank ") << x.getRank() << " and codes of rank " << q.getRank();
  FailureOr<SmallVector<int64_t>> box = boxOf(op, x);
  if (failed(box) || failed(verifyParameter(op, x, *box, op.getScale(), "scale")))
    return failure();
  if (!op.getZeroPoint())
    return success();
  Type zero = tensorType(op.getZeroPoint()).getElementType();
  if (isa<IntegerType>(code) && isa<FloatType>(zero) && !(zero.isF32() && isa<DequantizeOp>(op)))
    return op.emitOpError("has zero points of type ") << zero << "; beside integers they are integers, or f32 in qopt.dequantize";
  return verifyParameter(op, x, *box, op.getZeroPoint(), "zero point");
}

} // namespace

LogicalResult QuantizeOp::verify() { return verifyScaled(*this, getX(), getQ(), /*lookedUp=*/false); }
LogicalResult DequantizeOp::verify() { return verifyScaled(*this, getX(), getQ(), /*lookedUp=*/true); }

LogicalResult DynamicScaleOp::verify() {
  RankedTensorType x = tensorType(getX()), scale = tensorType(getScale());
  Type element = scale.getElementType();
  if (!isa<FloatType>(x.getElementType()))
    return emitOpError("reads ") << x.getElementType() << "; it needs floats";
  if (!isa<Float32Type, Float8E8M0FNUType, Float8E4M3FNType>(element))
    return emitOpError("makes scales of type ") << element << "; they can be f32, f8E8M0FNU or f8E4M3FN";
  if (isa<Float8E4M3FNType>(element) != static_cast<bool>(getOuter()))
    return emitOpError("needs an outer scale for scales of f8E4M3FN, and for these only");
  if (getOuter() && (tensorType(getOuter()).getRank() != 0 || !tensorType(getOuter()).getElementType().isF32()))
    return emitOpError("has an outer scale of type ") << getOuter().getType() << "; it must be tensor<f32>";
  if (!(getTop().convertToFloat() > 0))
    return emitOpError("has a top that is not positive");
  if (getAxis().has_value() != getBlockSize().has_value())
    return emitOpError("has only one of axis and block_size");
  if (!getAxis()) {
    if (scale.getRank() != 0 || !element.isF32())
      return emitOpError("makes one scale for the tensor, which must be tensor<f32>");
    return success();
  }
  if (*getAxis() >= static_cast<uint64_t>(x.getRank()))
    return emitOpError("axis ") << static_cast<int64_t>(*getAxis()) << " is out of range for rank " << x.getRank();
  if (static_cast<int64_t>(*getBlockSize()) < 1)
    return emitOpError("block_size is ") << static_cast<int64_t>(*getBlockSize()) << "; blocks hold at least one element";
  if (scale.getRank() != x.getRank())
    return emitOpError("makes scales of rank ") << scale.getRank() << " for a tensor of rank " << x.getRank();
  for (int64_t dim = 0; dim < x.getRank(); ++dim) {
    int64_t wanted = blocksOf(x, dim, dim == static_cast<int64_t>(*getAxis()) ? *getBlockSize() : 1);
    if (differ(scale.getDimSize(dim), wanted))
      return emitOpError("makes ") << scale.getDimSize(dim) << " scales in dim " << dim << "; blocks need " << wanted;
  }
  return success();
}

LogicalResult LookupOp::verify() {
  auto code = dyn_cast<IntegerType>(tensorType(getX()).getElementType());
  if (!code || code.getWidth() > 8 || code.getWidth() < 2)
    return emitOpError("reads ") << tensorType(getX()).getElementType() << "; it needs integers of 2 to 8 bits";
  RankedTensorType table = tensorType(getTable());
  if (table.getRank() != 1 || differ(table.getDimSize(0), int64_t(1) << code.getWidth()))
    return emitOpError("has a table of type ") << table << "; it needs a vector of " << (1 << code.getWidth()) << " elements";
  if (tensorType(getY()).getElementType() != table.getElementType())
    return emitOpError("gives ") << tensorType(getY()).getElementType() << " from a table of " << table.getElementType();
  return success();
}
