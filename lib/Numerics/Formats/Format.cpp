//===- Format.cpp - The table of formats and its lookups ------------------===//

#include "qopt/Numerics/Formats/Format.h"

namespace qopt {
namespace {

constexpr double exp2i(int exponent) {
  double value = 1;
  for (; exponent > 0; --exponent)
    value *= 2;
  for (; exponent < 0; ++exponent)
    value /= 2;
  return value;
}

constexpr FormatTraits integer(Format format, std::string_view name, uint8_t bits, bool isSigned) {
  double max = exp2i(isSigned ? bits - 1 : bits) - 1;
  double min = isSigned ? -max - 1 : 0;
  return {format, name, FormatKind::Integer, bits, isSigned, 0, 0, 0, FloatSpecials::None, min, max, 1};
}

constexpr FormatTraits floating(Format format, std::string_view name, uint8_t exponentBits, uint8_t mantissaBits,
                                int16_t bias, FloatSpecials specials) {
  // The greatest finite value: all ones, less what the specials take.
  int topExponent = (1 << exponentBits) - 1 - (specials == FloatSpecials::IEEE) - bias;
  double ulp = exp2i(topExponent - mantissaBits);
  double max = exp2i(topExponent + 1) - ulp - (specials == FloatSpecials::FN ? ulp : 0);
  double minPositive = exp2i(1 - bias - mantissaBits);
  return {format,   name, FormatKind::Float, static_cast<uint8_t>(1 + exponentBits + mantissaBits), true, exponentBits,
          mantissaBits, bias, specials, -max, max, minPositive};
}

using enum Format;
using Specials = FloatSpecials;

constexpr FormatTraits table[numFormats] = {
    integer(Int2, "int2", 2, true),
    integer(UInt2, "uint2", 2, false),
    integer(Int3, "int3", 3, true),
    integer(UInt3, "uint3", 3, false),
    integer(Int4, "int4", 4, true),
    integer(UInt4, "uint4", 4, false),
    integer(Int8, "int8", 8, true),
    integer(UInt8, "uint8", 8, false),
    integer(Int16, "int16", 16, true),
    integer(UInt16, "uint16", 16, false),
    integer(Int32, "int32", 32, true),
    integer(UInt32, "uint32", 32, false),
    floating(F8E4M3FN, "f8e4m3fn", 4, 3, 7, Specials::FN),
    floating(F8E4M3FNUZ, "f8e4m3fnuz", 4, 3, 8, Specials::FNUZ),
    floating(F8E5M2, "f8e5m2", 5, 2, 15, Specials::IEEE),
    floating(F8E5M2FNUZ, "f8e5m2fnuz", 5, 2, 16, Specials::FNUZ),
    floating(F4E2M1FN, "f4e2m1fn", 2, 1, 1, Specials::None),
    floating(F6E3M2FN, "f6e3m2fn", 3, 2, 3, Specials::None),
    floating(F6E2M3FN, "f6e2m3fn", 2, 3, 1, Specials::None),
    {F8E8M0FNU, "f8e8m0fnu", FormatKind::Exponent, 8, false, 8, 0, 127, Specials::None, exp2i(-127), exp2i(127),
     exp2i(-127)},
    {NF4, "nf4", FormatKind::Table, 4, true, 0, 0, 0, Specials::None, -1, 1, 0.07958029955625534},
    floating(F16, "f16", 5, 10, 15, Specials::IEEE),
    floating(BF16, "bf16", 8, 7, 127, Specials::IEEE),
    floating(F32, "f32", 8, 23, 127, Specials::IEEE),
};

constexpr bool rowsStandInOrder() {
  for (int i = 0; i < numFormats; ++i)
    if (static_cast<int>(table[i].format) != i)
      return false;
  return true;
}
static_assert(rowsStandInOrder());
static_assert(table[static_cast<int>(F8E4M3FN)].max == 448 && table[static_cast<int>(F8E5M2)].max == 57344);
static_assert(table[static_cast<int>(F8E4M3FNUZ)].max == 240 && table[static_cast<int>(F4E2M1FN)].max == 6);

} // namespace

const FormatTraits &traits(Format format) { return table[static_cast<int>(format)]; }

std::span<const FormatTraits> allFormats() { return table; }

std::optional<Format> parseFormat(std::string_view name) {
  for (const FormatTraits &row : table)
    if (row.name == name)
      return row.format;
  return std::nullopt;
}

} // namespace qopt
