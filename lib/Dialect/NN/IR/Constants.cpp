#include "qopt/Dialect/NN/IR/Constants.h"

#include "qopt/Dialect/NN/IR/HostValues.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace qopt;

std::optional<DType> nn::dtypeOf(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return DType::Bool;
    case 2:
      return isUnsigned ? DType::UInt2 : DType::Int2;
    case 4:
      return isUnsigned ? DType::UInt4 : DType::Int4;
    case 8:
      return isUnsigned ? DType::UInt8 : DType::Int8;
    case 16:
      return isUnsigned ? DType::UInt16 : DType::Int16;
    case 32:
      return isUnsigned ? DType::UInt32 : DType::Int32;
    case 64:
      return isUnsigned ? DType::UInt64 : DType::Int64;
    }
    return std::nullopt;
  }
  if (type.isF32())
    return DType::Float32;
  if (type.isF64())
    return DType::Float64;
  if (type.isF16())
    return DType::Float16;
  if (type.isBF16())
    return DType::BFloat16;
  if (isa<Float8E4M3FNType>(type))
    return DType::Float8E4M3FN;
  if (isa<Float8E4M3FNUZType>(type))
    return DType::Float8E4M3FNUZ;
  if (isa<Float8E5M2Type>(type))
    return DType::Float8E5M2;
  if (isa<Float8E5M2FNUZType>(type))
    return DType::Float8E5M2FNUZ;
  if (isa<Float4E2M1FNType>(type))
    return DType::Float4E2M1;
  if (isa<Float8E8M0FNUType>(type))
    return DType::Float8E8M0;
  return std::nullopt;
}

Type nn::elementTypeOf(DType dtype, MLIRContext *context) {
  switch (dtype) {
  case DType::Float32:
    return Float32Type::get(context);
  case DType::Float64:
    return Float64Type::get(context);
  case DType::Float16:
    return Float16Type::get(context);
  case DType::BFloat16:
    return BFloat16Type::get(context);
  case DType::Float8E4M3FN:
    return Float8E4M3FNType::get(context);
  case DType::Float8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case DType::Float8E5M2:
    return Float8E5M2Type::get(context);
  case DType::Float8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case DType::Float4E2M1:
    return Float4E2M1FNType::get(context);
  case DType::Float8E8M0:
    return Float8E8M0FNUType::get(context);
  case DType::String:
    return {};
  case DType::Bool:
    return IntegerType::get(context, 1);
  default:
    return IntegerType::get(context, bits(dtype), isSignedInteger(dtype) ? IntegerType::Signless : IntegerType::Unsigned);
  }
}

namespace {
/// Sub-byte integers come out of DenseElementsAttr as bare bits: extends them as host tensors have them.
void extendSubByte(DType dtype, MutableArrayRef<uint8_t> bytes) {
  unsigned width = bits(dtype), shift = 8 - width;
  for (uint8_t &byte : bytes)
    byte = dtype == DType::Int4 || dtype == DType::Int2
               ? static_cast<uint8_t>(static_cast<int8_t>(byte << shift) >> shift)
               : static_cast<uint8_t>(byte << shift) >> shift;
}

llvm::Expected<Tensor> expand(DType dtype, DenseElementsAttr dense) {
  auto tensor = Tensor::allocate(dtype, dense.getType().getShape());
  if (!tensor || tensor->numElements() == 0)
    return tensor;
  MutableArrayRef<uint8_t> out = tensor->mutableBytes();
  if (dtype == DType::Bool) {
    for (auto [to, value] : llvm::zip_equal(out, dense.getValues<bool>()))
      to = value;
    return tensor;
  }
  ArrayRef<char> raw = dense.getRawData();
  size_t step = storageBytes(dtype);
  if (dense.isSplat())
    for (size_t at = 0; at < out.size(); at += step)
      std::memcpy(out.data() + at, raw.data(), step);
  else
    std::memcpy(out.data(), raw.data(), std::min(out.size(), raw.size()));
  if (isSubByte(dtype))
    extendSubByte(dtype, out);
  return tensor;
}
} // namespace

llvm::Expected<Tensor> nn::tensorOf(ElementsAttr elements) {
  auto type = cast<ShapedType>(elements.getType());
  std::optional<DType> dtype = dtypeOf(type.getElementType());
  if (!dtype)
    return makeError("a constant has an element type that no host tensor has");
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return makeError("the resource '" + resource.getRawHandle().getKey() + "' has no bytes: its file was printed without them");
    ArrayRef<char> data = blob->getData();
    return Tensor::borrow(*dtype, type.getShape(), {reinterpret_cast<const uint8_t *>(data.data()), data.size()}, nullptr);
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return makeError("a constant is neither dense nor a resource");
  ArrayRef<char> raw = dense.getRawData();
  if (dense.isSplat() || *dtype == DType::Bool || isSubByte(*dtype))
    return expand(*dtype, dense);
  return Tensor::borrow(*dtype, type.getShape(), {reinterpret_cast<const uint8_t *>(raw.data()), raw.size()}, nullptr);
}

namespace {
bool isSplat(const Tensor &tensor) {
  size_t step = storageBytes(tensor.dtype());
  ArrayRef<uint8_t> bytes = tensor.bytes();
  // Equal to itself moved by one element: one memcmp that stops at the first difference.
  return bytes.size() > step && std::memcmp(bytes.data(), bytes.data() + step, bytes.size() - step) == 0;
}

DenseElementsAttr denseOf(const Tensor &tensor, ShapedType type, size_t count) {
  DType dtype = tensor.dtype();
  if (dtype == DType::Bool) {
    SmallVector<bool> values(tensor.bytes().take_front(count));
    return DenseElementsAttr::get(type, values);
  }
  ArrayRef<uint8_t> bytes = tensor.bytes().take_front(count * storageBytes(dtype));
  SmallVector<uint8_t> masked;
  if (isSubByte(dtype)) {
    for (uint8_t byte : bytes)
      masked.push_back(byte & ((1u << bits(dtype)) - 1));
    bytes = masked;
  }
  return DenseElementsAttr::getFromRawBuffer(type, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
}
} // namespace

ElementsAttr nn::elementsOf(const Tensor &tensor, MLIRContext *context, StringRef name) {
  Type element = elementTypeOf(tensor.dtype(), context);
  if (!element)
    return {};
  auto type = RankedTensorType::get(tensor.shape(), element);
  if (tensor.numElements() == 0) // no bytes at all
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (isSplat(tensor))
    return denseOf(tensor, type, 1);
  if (tensor.numBytes() <= kInlineBytes)
    return denseOf(tensor, type, tensor.numElements());
  auto *keeper = new Tensor(tensor);
  ArrayRef<uint8_t> bytes = tensor.bytes();
  AsmResourceBlob blob({reinterpret_cast<const char *>(bytes.data()), bytes.size()}, storageBytes(tensor.dtype()),
                       [keeper](void *, size_t, size_t) { delete keeper; }, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

ElementsAttr nn::constantValue(Value value) {
  auto constant = value ? value.getDefiningOp<ConstantOp>() : ConstantOp();
  return constant ? constant.getValue() : ElementsAttr();
}

std::optional<SmallVector<int64_t>> nn::constantInts(Value value, int64_t limit) {
  auto elements = constantValue(value);
  if (!elements || !isa<IntegerType>(elements.getElementType()) || elements.getNumElements() > limit)
    return std::nullopt;
  auto tensor = tensorOf(elements);
  if (!tensor) {
    llvm::consumeError(tensor.takeError());
    return std::nullopt;
  }
  return tensorInts(*tensor);
}

std::optional<SmallVector<double>> nn::constantFloats(Value value, int64_t limit) {
  auto elements = constantValue(value);
  if (!elements || elements.getNumElements() > limit)
    return std::nullopt;
  auto tensor = tensorOf(elements);
  if (!tensor) {
    llvm::consumeError(tensor.takeError());
    return std::nullopt;
  }
  return tensorFloats(*tensor);
}

std::optional<double> nn::constantScalar(Value value) {
  auto elements = constantValue(value);
  if (!elements)
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(elements); dense && dense.isSplat()) {
    if (auto number = dyn_cast<FloatAttr>(dense.getSplatValue<Attribute>()))
      return number.getValueAsDouble();
    if (auto number = dyn_cast<IntegerAttr>(dense.getSplatValue<Attribute>()))
      return number.getType().isUnsignedInteger() || number.getType().isInteger(1)
                 ? static_cast<double>(number.getValue().getZExtValue())
                 : static_cast<double>(number.getValue().getSExtValue());
  }
  if (elements.getNumElements() != 1)
    return std::nullopt;
  auto values = constantFloats(value, 1);
  return values ? std::optional<double>(values->front()) : std::nullopt;
}
