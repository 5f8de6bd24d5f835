#include "qopt/Dialect/NN/IR/HostValues.h"

#include "llvm/ADT/APFloat.h"

using namespace qopt;
using llvm::APFloat;

namespace {
const llvm::fltSemantics *semanticsOf(DType type) {
  switch (type) {
  case DType::Float16:
    return &APFloat::IEEEhalf();
  case DType::BFloat16:
    return &APFloat::BFloat();
  case DType::Float8E4M3FN:
    return &APFloat::Float8E4M3FN();
  case DType::Float8E4M3FNUZ:
    return &APFloat::Float8E4M3FNUZ();
  case DType::Float8E5M2:
    return &APFloat::Float8E5M2();
  case DType::Float8E5M2FNUZ:
    return &APFloat::Float8E5M2FNUZ();
  case DType::Float4E2M1:
    return &APFloat::Float4E2M1FN();
  case DType::Float8E8M0:
    return &APFloat::Float8E8M0FNU();
  default:
    return nullptr;
  }
}

template <typename To, typename From> llvm::SmallVector<To> widen(const Tensor &tensor) {
  llvm::SmallVector<To> out;
  out.reserve(tensor.numElements());
  for (From value : tensor.values<From>())
    out.push_back(static_cast<To>(value));
  return out;
}

template <typename To> std::optional<llvm::SmallVector<To>> widenIntegers(const Tensor &tensor) {
  switch (tensor.dtype()) {
  case DType::Bool:
  case DType::UInt8:
  case DType::UInt4:
  case DType::UInt2:
    return widen<To, uint8_t>(tensor);
  case DType::Int8:
  case DType::Int4:
  case DType::Int2:
    return widen<To, int8_t>(tensor);
  case DType::UInt16:
    return widen<To, uint16_t>(tensor);
  case DType::Int16:
    return widen<To, int16_t>(tensor);
  case DType::UInt32:
    return widen<To, uint32_t>(tensor);
  case DType::Int32:
    return widen<To, int32_t>(tensor);
  case DType::UInt64:
    return widen<To, uint64_t>(tensor);
  case DType::Int64:
    return widen<To, int64_t>(tensor);
  default:
    return std::nullopt;
  }
}

template <typename T> void narrow(Tensor &tensor, llvm::ArrayRef<int64_t> values) {
  for (auto [to, value] : llvm::zip_equal(tensor.mutableValues<T>(), values))
    to = static_cast<T>(value);
}
} // namespace

std::optional<llvm::SmallVector<int64_t>> nn::tensorInts(const Tensor &tensor) { return widenIntegers<int64_t>(tensor); }

std::optional<llvm::SmallVector<double>> nn::tensorFloats(const Tensor &tensor) {
  if (tensor.dtype() == DType::Float32)
    return widen<double, float>(tensor);
  if (tensor.dtype() == DType::Float64)
    return widen<double, double>(tensor);
  const llvm::fltSemantics *semantics = semanticsOf(tensor.dtype());
  if (!semantics)
    return widenIntegers<double>(tensor);
  unsigned width = bits(tensor.dtype()), bytes = storageBytes(tensor.dtype());
  llvm::SmallVector<double> out;
  out.reserve(tensor.numElements());
  for (int64_t i = 0; i < tensor.numElements(); ++i) {
    uint16_t code = 0;
    std::memcpy(&code, tensor.bytes().data() + i * bytes, bytes);
    APFloat value(*semantics, llvm::APInt(width, code & ((1u << width) - 1)));
    bool exact;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &exact);
    out.push_back(value.convertToDouble());
  }
  return out;
}

llvm::Expected<Tensor> nn::tensorFromInts(DType type, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values) {
  auto tensor = Tensor::allocate(type, shape);
  if (!tensor)
    return tensor;
  switch (type) {
  case DType::Bool:
    for (auto [to, value] : llvm::zip_equal(tensor->mutableBytes(), values))
      to = value != 0;
    return tensor;
  case DType::UInt4:
  case DType::UInt2:
    for (auto [to, value] : llvm::zip_equal(tensor->mutableBytes(), values))
      to = static_cast<uint8_t>(value) & ((1u << bits(type)) - 1);
    return tensor;
  case DType::Int4:
  case DType::Int2:
    for (auto [to, value] : llvm::zip_equal(tensor->mutableBytes(), values))
      to = static_cast<uint8_t>(static_cast<int8_t>(static_cast<uint8_t>(value) << (8 - bits(type))) >> (8 - bits(type)));
    return tensor;
  case DType::UInt8:
    return narrow<uint8_t>(*tensor, values), std::move(tensor);
  case DType::Int8:
    return narrow<int8_t>(*tensor, values), std::move(tensor);
  case DType::UInt16:
    return narrow<uint16_t>(*tensor, values), std::move(tensor);
  case DType::Int16:
    return narrow<int16_t>(*tensor, values), std::move(tensor);
  case DType::UInt32:
    return narrow<uint32_t>(*tensor, values), std::move(tensor);
  case DType::Int32:
    return narrow<int32_t>(*tensor, values), std::move(tensor);
  case DType::UInt64:
    return narrow<uint64_t>(*tensor, values), std::move(tensor);
  case DType::Int64:
    return narrow<int64_t>(*tensor, values), std::move(tensor);
  default:
    return makeError("integers cannot be written into a tensor of " + name(type));
  }
}

llvm::Expected<Tensor> nn::tensorFromFloats(DType type, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values) {
  auto tensor = Tensor::allocate(type, shape);
  if (!tensor)
    return tensor;
  if (type == DType::Float32) {
    for (auto [to, value] : llvm::zip_equal(tensor->mutableValues<float>(), values))
      to = static_cast<float>(value);
    return tensor;
  }
  if (type == DType::Float64) {
    llvm::copy(values, tensor->mutableValues<double>().begin());
    return tensor;
  }
  const llvm::fltSemantics *semantics = semanticsOf(type);
  if (!semantics)
    return makeError("numbers with fractions cannot be written into a tensor of " + name(type));
  unsigned bytes = storageBytes(type);
  for (auto [i, number] : llvm::enumerate(values)) {
    APFloat value(number);
    bool exact;
    value.convert(*semantics, APFloat::rmNearestTiesToEven, &exact);
    uint16_t code = static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
    std::memcpy(tensor->mutableBytes().data() + i * bytes, &code, bytes);
  }
  return tensor;
}
