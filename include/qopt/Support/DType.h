// Element types of host tensors and of the runtime's C ABI.
//
// The codes are ONNX's own (TensorProto.DataType), so that an ONNX type, a DType and the `dtype` field of qopt_tensor
// are one number. In memory, types narrower than a byte take one byte an element (sign- or zero-extended for the
// integers, the code in the low bits for Float4E2M1); packing is a matter of Numerics/Packing and of the file formats.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>

namespace qopt {

enum class DType : uint8_t {
  Float32 = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Float64 = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26,
};

/// Whether `code` is one of DType's; ONNX's complex types (14, 15) and UNDEFINED (0) are not.
bool isKnownDType(int64_t code);

/// "float32", "uint4", "float8_e4m3fn", … (numpy's and ml_dtypes' spelling).
llvm::StringRef name(DType type);
/// The inverse of name(); nothing when the name is unknown.
std::optional<DType> dtypeByName(llvm::StringRef name);

/// Significant bits of one element: 4 for Int4, 8 for Bool; 0 for String.
unsigned bits(DType type);
/// Bytes that one element takes in a host tensor: 1 for every sub-byte type; 0 for String.
unsigned storageBytes(DType type);

bool isFloat(DType type);
/// Integers of any width; Bool is not one.
bool isInteger(DType type);
bool isSignedInteger(DType type);
inline bool isSubByte(DType type) { return type != DType::String && bits(type) < 8; }

/// The C++ type whose array holds elements of a DType. 16-bit floats are seen as uint16_t, 8-bit and narrower floats as
/// uint8_t; sub-byte integers as int8_t or uint8_t; Bool as uint8_t or bool.
template <typename T> bool isStorageOf(DType type);

/// The DType that a C++ arithmetic type maps to without further knowledge (bool → Bool, uint16_t → UInt16).
template <typename T> constexpr DType dtypeOf();

template <> constexpr DType dtypeOf<float>() { return DType::Float32; }
template <> constexpr DType dtypeOf<double>() { return DType::Float64; }
template <> constexpr DType dtypeOf<bool>() { return DType::Bool; }
template <> constexpr DType dtypeOf<int8_t>() { return DType::Int8; }
template <> constexpr DType dtypeOf<uint8_t>() { return DType::UInt8; }
template <> constexpr DType dtypeOf<int16_t>() { return DType::Int16; }
template <> constexpr DType dtypeOf<uint16_t>() { return DType::UInt16; }
template <> constexpr DType dtypeOf<int32_t>() { return DType::Int32; }
template <> constexpr DType dtypeOf<uint32_t>() { return DType::UInt32; }
template <> constexpr DType dtypeOf<int64_t>() { return DType::Int64; }
template <> constexpr DType dtypeOf<uint64_t>() { return DType::UInt64; }

template <typename T> bool isStorageOf(DType type) {
  if (type == dtypeOf<T>())
    return true;
  switch (type) {
  case DType::Float16:
  case DType::BFloat16:
    return dtypeOf<T>() == DType::UInt16;
  case DType::Int4:
  case DType::Int2:
    return dtypeOf<T>() == DType::Int8;
  case DType::Bool:
  case DType::UInt4:
  case DType::UInt2:
    return dtypeOf<T>() == DType::UInt8;
  default:
    return dtypeOf<T>() == DType::UInt8 && isFloat(type) && bits(type) <= 8;
  }
}

/// The product of `shape`, or an error sentence when a dim is negative or the product does not fit in int64_t.
llvm::Expected<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// The bytes that countElements(shape) elements take in a host tensor; checked like it.
llvm::Expected<int64_t> countBytes(DType type, llvm::ArrayRef<int64_t> shape);

/// "[2,3,?]": dims in brackets, a negative (dynamic) dim as "?".
std::string shapeToString(llvm::ArrayRef<int64_t> shape);

} // namespace qopt
