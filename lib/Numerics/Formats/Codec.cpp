//===- Codec.cpp - Values to codes and back -------------------------------===//

#include "qopt/Numerics/Formats/Format.h"

#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

namespace qopt {
namespace {

constexpr float nf4Values[16] = {-1.0f,
                                 -0.6961928009986877f,
                                 -0.5250730514526367f,
                                 -0.39491748809814453f,
                                 -0.28444138169288635f,
                                 -0.18477343022823334f,
                                 -0.09105003625154495f,
                                 0.0f,
                                 0.07958029955625534f,
                                 0.16093020141124725f,
                                 0.24611230194568634f,
                                 0.33791524171829224f,
                                 0.44070982933044434f,
                                 0.5626170039176941f,
                                 0.7229568362236023f,
                                 1.0f};

/// 2^exponent for exponents of normal doubles.
double powerOfTwo(int exponent) { return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52); }

/// floor(log2(value)) for value > 0; double's subnormals count as its least normal, which is below every format here.
int exponentOf(double value) {
  return std::max(static_cast<int>(std::bit_cast<uint64_t>(value) >> 52 & 0x7FF), 1) - 1023;
}

uint32_t encodeInteger(const FormatTraits &row, double value) {
  if (std::isnan(value))
    return 0;
  double rounded = std::fmin(std::fmax(std::nearbyint(value), row.min), row.max);
  return static_cast<uint32_t>(static_cast<int64_t>(rounded)) & row.codeMask();
}

double decodeInteger(const FormatTraits &row, uint32_t code) {
  if (!row.isSigned)
    return code;
  int shift = 32 - row.bits;
  return static_cast<int32_t>(code << shift) >> shift;
}

/// Code of the greatest finite magnitude.
uint32_t maxMagnitudeCode(const FormatTraits &row) {
  uint32_t allOnes = row.codeMask() >> 1;
  switch (row.specials) {
  case FloatSpecials::IEEE:
    return (allOnes & ~((1u << row.mantissaBits) - 1)) - 1;
  case FloatSpecials::FN:
    return allOnes - 1;
  case FloatSpecials::None:
  case FloatSpecials::FNUZ:
    break;
  }
  return allOnes;
}

uint32_t nanCode(const FormatTraits &row, bool negative) {
  uint32_t sign = 1u << (row.bits - 1);
  switch (row.specials) {
  case FloatSpecials::None:
    return negative ? 0 : sign;
  case FloatSpecials::FNUZ:
    return sign;
  case FloatSpecials::FN:
    return (sign - 1) | (negative ? sign : 0);
  case FloatSpecials::IEEE:
    break;
  }
  // The quiet NaN: top mantissa bit.
  return (maxMagnitudeCode(row) + 1) | 1u << (row.mantissaBits - 1) | (negative ? sign : 0);
}

uint32_t overflowCode(const FormatTraits &row, bool negative, bool saturate) {
  uint32_t sign = negative ? 1u << (row.bits - 1) : 0;
  if (saturate || row.specials == FloatSpecials::None)
    return maxMagnitudeCode(row) | sign;
  if (row.specials == FloatSpecials::IEEE)
    return (maxMagnitudeCode(row) + 1) | sign;
  return nanCode(row, negative);
}

uint32_t encodeFloat(const FormatTraits &row, double value, bool saturate) {
  bool negative = std::signbit(value);
  if (std::isnan(value))
    return nanCode(row, negative);
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude))
    return overflowCode(row, negative, saturate);
  // Count the magnitude in units of its binade's last place (of the least normal binade below that): rounding up to
  // the next binade then carries into the exponent by itself.
  int exponent = std::max(exponentOf(magnitude), 1 - row.bias);
  uint64_t units = static_cast<uint64_t>(std::nearbyint(magnitude * powerOfTwo(row.mantissaBits - exponent)));
  uint64_t code = (static_cast<uint64_t>(exponent + row.bias - 1) << row.mantissaBits) + units;
  if (code > maxMagnitudeCode(row))
    return overflowCode(row, negative, saturate);
  bool keepSign = negative && (code != 0 || row.specials != FloatSpecials::FNUZ);
  return static_cast<uint32_t>(code) | (keepSign ? 1u << (row.bits - 1) : 0);
}

double decodeFloat(const FormatTraits &row, uint32_t code) {
  uint32_t sign = code >> (row.bits - 1);
  uint32_t magnitude = code & row.codeMask() >> 1;
  if (row.specials == FloatSpecials::FNUZ && sign && magnitude == 0)
    return std::numeric_limits<double>::quiet_NaN();
  if (magnitude > maxMagnitudeCode(row)) {
    bool infinite = row.specials == FloatSpecials::IEEE && magnitude == maxMagnitudeCode(row) + 1;
    double special = infinite ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    return sign ? -special : special;
  }
  int exponent = static_cast<int>(magnitude >> row.mantissaBits);
  double units = magnitude & ((1u << row.mantissaBits) - 1);
  if (exponent == 0)
    exponent = 1;
  else
    units += 1u << row.mantissaBits;
  double value = units * powerOfTwo(exponent - row.bias - row.mantissaBits);
  return sign ? -value : value;
}

/// Nearest value of the table; a tie goes to the lower one, as bitsandbytes' comparisons with midpoints do.
uint32_t encodeNF4(double value) {
  if (std::isnan(value))
    return 7; // zero
  uint32_t code = 0;
  while (code < 15 && value > (static_cast<double>(nf4Values[code]) + nf4Values[code + 1]) / 2)
    ++code;
  return code;
}

template <typename Code>
void encodeAll(Format format, std::span<const float> values, std::span<Code> codes, bool saturate) {
  assert(values.size() == codes.size());
  for (size_t i = 0; i < values.size(); ++i)
    codes[i] = static_cast<Code>(encode(format, values[i], saturate));
}

} // namespace

uint32_t encodeE8M0(double value, ScaleRounding rounding, bool saturate) {
  constexpr uint32_t nan = 0xFF;
  if (std::isnan(value) || value < 0)
    return nan;
  if (value == 0)
    return saturate ? 0 : nan;
  if (std::isinf(value))
    return saturate ? 0xFE : nan;
  int exponent = exponentOf(value);
  double fraction = value * powerOfTwo(-exponent); // in [1, 2)
  if (fraction > 1 && (rounding == ScaleRounding::Up || (rounding == ScaleRounding::Nearest && fraction >= 1.5)))
    ++exponent;
  if (exponent < -127)
    return saturate ? 0 : nan;
  if (exponent > 127)
    return saturate ? 0xFE : nan;
  return static_cast<uint32_t>(exponent + 127);
}

std::span<const float, 16> nf4Table() { return nf4Values; }

uint32_t encode(Format format, double value, bool saturate) {
  const FormatTraits &row = traits(format);
  switch (row.kind) {
  case FormatKind::Integer:
    return encodeInteger(row, value);
  case FormatKind::Float:
    return encodeFloat(row, value, saturate);
  case FormatKind::Exponent:
    return encodeE8M0(value, ScaleRounding::Up, saturate);
  case FormatKind::Table:
    break;
  }
  return encodeNF4(value);
}

double decode(Format format, uint32_t code) {
  const FormatTraits &row = traits(format);
  code &= row.codeMask();
  switch (row.kind) {
  case FormatKind::Integer:
    return decodeInteger(row, code);
  case FormatKind::Float:
    return decodeFloat(row, code);
  case FormatKind::Exponent:
    return code == 0xFF ? std::numeric_limits<double>::quiet_NaN() : powerOfTwo(static_cast<int>(code) - 127);
  case FormatKind::Table:
    break;
  }
  return nf4Values[code];
}

void encodeSpan(Format format, std::span<const float> values, std::span<uint8_t> codes, bool saturate) {
  encodeAll(format, values, codes, saturate);
}
void encodeSpan(Format format, std::span<const float> values, std::span<uint16_t> codes, bool saturate) {
  encodeAll(format, values, codes, saturate);
}

void decodeSpan(Format format, std::span<const uint8_t> codes, std::span<float> values) {
  assert(values.size() == codes.size());
  std::array<float, 256> table;
  for (uint32_t code = 0; code < 256; ++code)
    table[code] = static_cast<float>(decode(format, code));
  for (size_t i = 0; i < codes.size(); ++i)
    values[i] = table[codes[i]];
}
void decodeSpan(Format format, std::span<const uint16_t> codes, std::span<float> values) {
  assert(values.size() == codes.size());
  for (size_t i = 0; i < codes.size(); ++i)
    values[i] = static_cast<float>(decode(format, codes[i]));
}

} // namespace qopt
