#include "TensorData.h"

#include "onnx/onnx_pb.h"

using namespace qopt;
using onnx::TensorProto;

std::string qopt::describe(const TensorProto &tensor) {
  return tensor.name().empty() ? "a nameless tensor" : "tensor '" + tensor.name() + "'";
}

uint64_t qopt::packedBytes(DType type, int64_t count) {
  return isSubByte(type) && type != DType::Bool ? (uint64_t(count) * bits(type) + 7) / 8 : uint64_t(count) * storageBytes(type);
}

namespace {
bool isPacked(DType type) { return isSubByte(type) && type != DType::Bool; }

/// Low bits first, as ONNX packs them.
llvm::Expected<Tensor> unpack(DType type, llvm::ArrayRef<int64_t> shape, Span packed) {
  auto tensor = Tensor::allocate(type, shape);
  if (!tensor)
    return tensor;
  unsigned width = bits(type), perByte = 8 / width, shift = 8 - width;
  llvm::MutableArrayRef<uint8_t> out = tensor->mutableBytes();
  for (size_t i = 0; i < out.size(); ++i) {
    uint8_t low = static_cast<uint8_t>(packed[i / perByte] >> (i % perByte * width)) << shift;
    out[i] = isSignedInteger(type) ? static_cast<uint8_t>(static_cast<int8_t>(low) >> shift) : low >> shift;
  }
  return tensor;
}

/// Elements given in a typed field, narrowed to T. The last byte of packed types may be partly used.
template <typename T, typename Field>
llvm::Expected<Tensor> fromField(DType type, llvm::ArrayRef<int64_t> shape, uint64_t needed, const Field &field) {
  if (uint64_t(field.size()) * sizeof(T) != needed)
    return makeError("holds " + llvm::Twine(field.size()) + " values, but " + name(type) + shapeToString(shape) + " needs " +
                     llvm::Twine(needed / sizeof(T)));
  llvm::SmallVector<T> values;
  values.reserve(field.size());
  for (auto value : field) {
    // Narrow types come in wide fields, signed or as their bits.
    if constexpr (std::is_integral_v<T> && sizeof(T) < sizeof(value))
      if (auto wide = static_cast<__int128>(value); wide < -(__int128(1) << (8 * sizeof(T) - 1)) || wide >= __int128(1) << 8 * sizeof(T))
        return makeError("holds the value " + llvm::Twine(static_cast<int64_t>(value)) + ", which does not fit " +
                         llvm::Twine(8 * sizeof(T)) + " bits");
    values.push_back(static_cast<T>(value));
  }
  Span bytes(reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(T));
  return isPacked(type) ? unpack(type, shape, bytes) : Tensor::copy(type, shape, bytes);
}

llvm::Expected<Tensor> fromTyped(const TensorProto &tensor, DType type, llvm::ArrayRef<int64_t> shape, uint64_t needed) {
  switch (type) {
  case DType::Float32:
    return fromField<float>(type, shape, needed, tensor.float_data());
  case DType::Float64:
    return fromField<double>(type, shape, needed, tensor.double_data());
  case DType::Int64:
    return fromField<int64_t>(type, shape, needed, tensor.int64_data());
  case DType::UInt64:
    return fromField<uint64_t>(type, shape, needed, tensor.uint64_data());
  case DType::UInt32:
    return fromField<uint32_t>(type, shape, needed, tensor.uint64_data());
  case DType::Int32:
    return fromField<int32_t>(type, shape, needed, tensor.int32_data());
  default:
    break;
  }
  if (isPacked(type) || storageBytes(type) == 1)
    return fromField<uint8_t>(type, shape, needed, tensor.int32_data());
  return fromField<uint16_t>(type, shape, needed, tensor.int32_data());
}

llvm::Expected<Tensor> readChecked(const TensorProto &tensor, std::optional<Span> cut, std::shared_ptr<const void> owner,
                                   ExternalData &external) {
  if (!isKnownDType(tensor.data_type()))
    return makeError("has the element type " + llvm::Twine(tensor.data_type()) + ", which is undefined or unsupported");
  auto type = static_cast<DType>(tensor.data_type());
  llvm::SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  if (shape.size() > 64)
    return makeError("has rank " + llvm::Twine(shape.size()) + "; at most 64 is supported");
  auto count = countElements(shape);
  if (!count)
    return count.takeError();
  if (auto bytes = countBytes(type == DType::String ? DType::UInt8 : type, shape); !bytes)
    return bytes.takeError();
  if (tensor.has_segment())
    return makeError("is stored in segments, which are unsupported");
  int typed = !tensor.float_data().empty() + !tensor.double_data().empty() + !tensor.int32_data().empty() +
              !tensor.int64_data().empty() + !tensor.uint64_data().empty() + !tensor.string_data().empty();
  bool isExternal = tensor.data_location() == TensorProto::EXTERNAL || !tensor.external_data().empty();
  bool raw = cut || tensor.has_raw_data();
  if (typed + isExternal + (raw && !(tensor.raw_data().empty() && !cut && typed)) > 1)
    return makeError("gives its values in more than one way");
  if (type == DType::String) {
    if (raw || isExternal)
      return makeError("holds strings as raw bytes, which ONNX does not allow");
    if (tensor.string_data_size() != *count)
      return makeError("holds " + llvm::Twine(tensor.string_data_size()) + " strings, but its shape " + shapeToString(shape) +
                       " needs " + llvm::Twine(*count));
    return Tensor::ofStrings({tensor.string_data().begin(), tensor.string_data().end()}, shape);
  }
  uint64_t needed = packedBytes(type, *count);
  if (!raw && !isExternal) {
    if (!typed && needed != 0)
      return makeError("holds no values, but its shape " + shapeToString(shape) + " needs " + llvm::Twine(*count));
    return fromTyped(tensor, type, shape, needed);
  }
  Span bytes;
  if (isExternal) {
    auto outside = external.read(tensor, needed);
    if (!outside)
      return outside.takeError();
    std::tie(bytes, owner) = *outside;
  } else if (cut) {
    bytes = *cut;
  } else {
    bytes = Span(reinterpret_cast<const uint8_t *>(tensor.raw_data().data()), tensor.raw_data().size());
    owner = nullptr;
  }
  if (bytes.size() != needed)
    return makeError("holds " + llvm::Twine(bytes.size()) + " bytes, but " + name(type) + shapeToString(shape) + " needs " +
                     llvm::Twine(needed));
  if (isPacked(type))
    return unpack(type, shape, bytes);
  return owner ? Tensor::borrow(type, shape, bytes, std::move(owner)) : Tensor::copy(type, shape, bytes);
}
} // namespace

llvm::Expected<Tensor> qopt::readTensor(const TensorProto &tensor, std::optional<Span> cut, std::shared_ptr<const void> owner,
                                        ExternalData &external) {
  auto read = readChecked(tensor, cut, std::move(owner), external);
  if (!read)
    return makeError(describe(tensor) + " " + llvm::toString(read.takeError()));
  return read;
}
