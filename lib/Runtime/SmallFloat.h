// float32 to and from the narrow floating-point formats, in integer arithmetic alone: no compiler helper is called, so
// that these can be the compiler helpers. Numerics/Formats says the same in double arithmetic; a test holds one against
// the other.
#pragma once
#include <bit>
#include <cstdint>

namespace qopt::rt {

/// What a format keeps its top codes for (LLVM's and ONNX's suffixes).
enum class Specials { None, IEEE, FN, FNUZ };

template <int exponentBits, int mantissaBits, int bias, Specials specials> struct SmallFloat {
  static constexpr uint32_t signBit = 1u << (exponentBits + mantissaBits);
  static constexpr uint32_t allOnes = signBit - 1;
  static constexpr uint32_t exponentMask = allOnes & ~((1u << mantissaBits) - 1);
  static constexpr uint32_t maxFinite = specials == Specials::IEEE ? exponentMask - 1
                                        : specials == Specials::FN ? allOnes - 1
                                                                   : allOnes;
  static constexpr uint32_t quietNaN = specials == Specials::IEEE ? exponentMask | (1u << (mantissaBits - 1)) : allOnes;

  static uint32_t encode(float value, bool saturate) {
    uint32_t word = std::bit_cast<uint32_t>(value), magnitude = word & 0x7fffffff;
    uint32_t sign = word >> 31 ? signBit : 0;
    if (magnitude > 0x7f800000)
      return encodeNaN(sign);
    uint32_t code = magnitude == 0x7f800000 ? maxFinite + 1 : round(magnitude);
    if (code > maxFinite)
      return overflow(sign, saturate);
    if (specials == Specials::FNUZ && code == 0)
      return 0;
    return sign | code;
  }

  static float decode(uint32_t code) {
    uint32_t sign = (code & signBit) ? 0x80000000u : 0, magnitude = code & allOnes;
    if (specials == Specials::FNUZ && code == signBit)
      return std::bit_cast<float>(0x7fc00000u);
    if (specials == Specials::FN && magnitude == allOnes)
      return std::bit_cast<float>(sign | 0x7fc00000u);
    if (specials == Specials::IEEE && magnitude >= exponentMask)
      return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & ~exponentMask) << (23 - mantissaBits));
    int exponent = static_cast<int>(magnitude >> mantissaBits);
    uint32_t mantissa = magnitude & ((1u << mantissaBits) - 1);
    if (exponent == 0) {
      if (mantissa == 0)
        return std::bit_cast<float>(sign);
      int shift = std::countl_zero(mantissa) - (31 - mantissaBits);
      mantissa = (mantissa << shift) & ((1u << mantissaBits) - 1);
      exponent = 1 - shift;
    }
    // A subnormal of bfloat16 stays one in float32.
    if (exponent + 127 - bias <= 0)
      return std::bit_cast<float>(sign | (magnitude << (23 - mantissaBits)));
    return std::bit_cast<float>(sign | static_cast<uint32_t>(exponent + 127 - bias) << 23 |
                                mantissa << (23 - mantissaBits));
  }

private:
  /// The code of a finite magnitude, to the nearest, ties to even; beyond maxFinite when it does not fit.
  static uint32_t round(uint32_t magnitude) {
    int exponent = static_cast<int>(magnitude >> 23) - 127;
    uint32_t significand = magnitude & 0x7fffff;
    if (exponent == -127)
      exponent = -126;
    else
      significand |= 0x800000;
    constexpr int least = 1 - bias;
    int shift = 23 - mantissaBits + (exponent < least ? least - exponent : 0);
    if (shift > 25)
      return 0;
    uint32_t kept = significand;
    if (shift > 0) {
      uint32_t rest = significand & ((1u << shift) - 1), half = 1u << (shift - 1);
      kept = significand >> shift;
      kept += rest > half || (rest == half && (kept & 1));
    }
    // The implicit bit and a carry of the rounding both count up the exponent.
    return exponent < least ? kept : (static_cast<uint32_t>(exponent - least) << mantissaBits) + kept;
  }

  static uint32_t encodeNaN(uint32_t sign) {
    switch (specials) {
    case Specials::None:
      return sign ^ signBit; // as ml_dtypes has it: zero of the other sign
    case Specials::FNUZ:
      return signBit;
    case Specials::FN:
      return sign | allOnes;
    case Specials::IEEE:
      return sign | quietNaN;
    }
  }

  static uint32_t overflow(uint32_t sign, bool saturate) {
    if (saturate || specials == Specials::None)
      return sign | maxFinite;
    if (specials == Specials::IEEE)
      return sign | exponentMask;
    return specials == Specials::FN ? sign | allOnes : signBit;
  }
};

/// float64 to float32 by rounding to odd: rounding the result to 21 bits or fewer is then the same as rounding `value`
/// once.
inline float roundToOdd(double value) {
  float near = static_cast<float>(value);
  if (static_cast<double>(near) == value || value != value)
    return near;
  uint32_t word = std::bit_cast<uint32_t>(near);
  bool tooLarge = __builtin_fabs(static_cast<double>(near)) > __builtin_fabs(value);
  return std::bit_cast<float>((tooLarge ? word - 1 : word) | 1);
}

using F16 = SmallFloat<5, 10, 15, Specials::IEEE>;
using BF16 = SmallFloat<8, 7, 127, Specials::IEEE>;
using F8E4M3FN = SmallFloat<4, 3, 7, Specials::FN>;
using F8E4M3FNUZ = SmallFloat<4, 3, 8, Specials::FNUZ>;
using F8E5M2 = SmallFloat<5, 2, 15, Specials::IEEE>;
using F8E5M2FNUZ = SmallFloat<5, 2, 16, Specials::FNUZ>;
using F6E3M2 = SmallFloat<3, 2, 3, Specials::None>;
using F6E2M3 = SmallFloat<2, 3, 1, Specials::None>;
using F4E2M1 = SmallFloat<2, 1, 1, Specials::None>;

/// Powers of two, 2^(code - 127), rounded up (ONNX's default for scales); 0xff is NaN.
struct F8E8M0 {
  static uint32_t encode(float value, bool saturate) {
    uint32_t word = std::bit_cast<uint32_t>(value);
    if ((word & 0x7fffffff) > 0x7f800000 || (word >> 31 && (word & 0x7fffffff) != 0))
      return 0xff;
    uint32_t magnitude = word & 0x7fffffff;
    if (magnitude == 0 || magnitude == 0x7f800000)
      return saturate ? (magnitude ? 0xfe : 0) : 0xff;
    if (magnitude <= 0x200000) // 2^-128: the next power of two is no scale
      return saturate ? 0 : 0xff;
    if (magnitude < 0x800000) // 2^-127 is the subnormal 0x400000
      return magnitude > 0x400000;
    uint32_t code = (magnitude >> 23) + ((magnitude & 0x7fffff) != 0);
    return code > 0xfe ? (saturate ? 0xfe : 0xff) : code;
  }

  static float decode(uint32_t code) {
    if (code == 0xff)
      return std::bit_cast<float>(0x7fc00000u);
    return std::bit_cast<float>(code == 0 ? 0x400000u : code << 23);
  }
};

} // namespace qopt::rt
