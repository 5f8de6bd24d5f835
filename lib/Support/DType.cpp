#include "qopt/Support/DType.h"
#include "qopt/Support/Error.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {
namespace {

enum class Kind : uint8_t { Float, Signed, Unsigned, Bool, String };

struct Row {
  DType type;
  StringLiteral name;
  uint8_t bits;
  Kind kind;
};

constexpr Row rows[] = {
    {DType::Float32, "float32", 32, Kind::Float},
    {DType::UInt8, "uint8", 8, Kind::Unsigned},
    {DType::Int8, "int8", 8, Kind::Signed},
    {DType::UInt16, "uint16", 16, Kind::Unsigned},
    {DType::Int16, "int16", 16, Kind::Signed},
    {DType::Int32, "int32", 32, Kind::Signed},
    {DType::Int64, "int64", 64, Kind::Signed},
    {DType::String, "string", 0, Kind::String},
    {DType::Bool, "bool", 8, Kind::Bool},
    {DType::Float16, "float16", 16, Kind::Float},
    {DType::Float64, "float64", 64, Kind::Float},
    {DType::UInt32, "uint32", 32, Kind::Unsigned},
    {DType::UInt64, "uint64", 64, Kind::Unsigned},
    {DType::BFloat16, "bfloat16", 16, Kind::Float},
    {DType::Float8E4M3FN, "float8_e4m3fn", 8, Kind::Float},
    {DType::Float8E4M3FNUZ, "float8_e4m3fnuz", 8, Kind::Float},
    {DType::Float8E5M2, "float8_e5m2", 8, Kind::Float},
    {DType::Float8E5M2FNUZ, "float8_e5m2fnuz", 8, Kind::Float},
    {DType::UInt4, "uint4", 4, Kind::Unsigned},
    {DType::Int4, "int4", 4, Kind::Signed},
    {DType::Float4E2M1, "float4_e2m1fn", 4, Kind::Float},
    {DType::Float8E8M0, "float8_e8m0fnu", 8, Kind::Float},
    {DType::UInt2, "uint2", 2, Kind::Unsigned},
    {DType::Int2, "int2", 2, Kind::Signed},
};

constexpr Row unknown = {DType::String, "unknown", 0, Kind::String};

const Row &rowOf(DType type) {
  for (const Row &row : rows)
    if (row.type == type)
      return row;
  return unknown;
}

} // namespace

bool isKnownDType(int64_t code) {
  return any_of(rows, [=](const Row &row) { return static_cast<int64_t>(row.type) == code; });
}

StringRef name(DType type) { return rowOf(type).name; }

std::optional<DType> dtypeByName(StringRef name) {
  for (const Row &row : rows)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

unsigned bits(DType type) { return rowOf(type).bits; }
unsigned storageBytes(DType type) { return (bits(type) + 7) / 8; }
bool isFloat(DType type) { return rowOf(type).kind == Kind::Float; }
bool isSignedInteger(DType type) { return rowOf(type).kind == Kind::Signed; }
bool isInteger(DType type) { return isSignedInteger(type) || rowOf(type).kind == Kind::Unsigned; }

Expected<int64_t> countElements(ArrayRef<int64_t> shape) {
  // A zero dim makes the tensor empty, however large the others are.
  bool empty = is_contained(shape, 0), overflow = false;
  int64_t count = 1;
  for (int64_t dim : shape) {
    if (dim < 0)
      return makeError("shape " + shapeToString(shape) + " has a negative or unknown dim; give every dim a size");
    overflow |= __builtin_mul_overflow(count, dim, &count);
  }
  if (empty)
    return 0;
  if (overflow)
    return makeError("shape " + shapeToString(shape) + " has more elements than 64 bits can count");
  return count;
}

Expected<int64_t> countBytes(DType type, ArrayRef<int64_t> shape) {
  Expected<int64_t> count = countElements(shape);
  if (!count)
    return count.takeError();
  int64_t bytes;
  if (__builtin_mul_overflow(*count, static_cast<int64_t>(storageBytes(type)), &bytes))
    return makeError("shape " + shapeToString(shape) + " of " + name(type) + " has more bytes than 64 bits can count");
  return bytes;
}

std::string shapeToString(ArrayRef<int64_t> shape) {
  return "[" +
         join(map_range(shape, [](int64_t dim) { return dim < 0 ? std::string("?") : std::to_string(dim); }), ",") +
         "]";
}

} // namespace qopt
