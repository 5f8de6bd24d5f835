//===- Format.h - Number formats ---------------------------------*- C++ -*-===//
//
// One row per number format, and the scalar conversions to and from its codes. docs/formats.md is the specification.
//
// A code is the format's bit pattern in the low `bits` bits; integers are two's complement. Values travel as double,
// which holds every value of every format here exactly, and every float input.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_FORMATS_FORMAT_H
#define QOPT_NUMERICS_FORMATS_FORMAT_H

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace qopt {

enum class Format : uint8_t {
  Int2, UInt2, Int3, UInt3, Int4, UInt4, Int8, UInt8, Int16, UInt16, Int32, UInt32,
  F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F4E2M1FN, F6E3M2FN, F6E2M3FN, F8E8M0FNU, NF4, F16, BF16, F32,
};
inline constexpr int numFormats = static_cast<int>(Format::F32) + 1;

/// How a format's codes map to values.
enum class FormatKind : uint8_t {
  Integer,  ///< two's complement or unsigned
  Float,    ///< sign, exponent, mantissa
  Exponent, ///< E8M0: 2^(code - 127), 0xFF is NaN
  Table,    ///< NF4: sixteen values of a table
};

/// What a floating-point format keeps its top codes for (the suffixes are LLVM's and ONNX's).
enum class FloatSpecials : uint8_t {
  None,   ///< every code is finite (F4E2M1FN, F6*FN)
  IEEE,   ///< the top exponent is infinity and NaN
  FN,     ///< no infinity; the all-ones exponent and mantissa is NaN
  FNUZ,   ///< no infinity, no negative zero; its code is NaN
};

struct FormatTraits {
  Format format;
  std::string_view name; ///< lower case, as recipes and IR spell it: "int8", "f8e4m3fn"
  FormatKind kind;
  uint8_t bits;
  bool isSigned;
  uint8_t exponentBits; ///< floats only
  uint8_t mantissaBits; ///< floats only: stored bits, without the implicit one
  int16_t bias;         ///< floats only
  FloatSpecials specials;
  double min;         ///< least finite value
  double max;         ///< greatest finite value
  double minPositive; ///< least value above zero (subnormal where there are subnormals)

  uint32_t codeCount() const { return bits < 32 ? 1u << bits : 0; } ///< 0 stands for 2^32
  uint32_t codeMask() const { return bits < 32 ? (1u << bits) - 1 : ~0u; }
  bool isInteger() const { return kind == FormatKind::Integer; }
  bool isFloat() const { return kind == FormatKind::Float; }
};

const FormatTraits &traits(Format format);
std::span<const FormatTraits> allFormats();
std::optional<Format> parseFormat(std::string_view name);

/// Nearest code, ties to even, then out-of-range values by `saturate`:
///  - true: the nearest finite value, infinities included;
///  - false, floats: infinity where the format has one, else NaN (ONNX Cast-25); formats without either still saturate;
///  - integers and NF4 always saturate.
/// NaN: NaN where the format has one (with its sign), integer 0, and zero of the other sign in F4/F6 as ml_dtypes has it.
/// F8E8M0FNU rounds up (ONNX's default); see encodeE8M0 for the other ways.
uint32_t encode(Format format, double value, bool saturate = true);

/// The value of a code. Bits above `traits(format).bits` are ignored.
double decode(Format format, uint32_t code);

/// ONNX Cast's round_mode for scales.
enum class ScaleRounding : uint8_t { Nearest /* ties up */, Up, Down };
/// Power-of-two scale code, 2^-127 to 2^127. Saturating: 0 and underflow give code 0, overflow and infinity 0xFE.
/// Otherwise those give 0xFF (NaN). Negative values and NaN always give 0xFF.
uint32_t encodeE8M0(double value, ScaleRounding rounding, bool saturate = true);

/// NF4's sixteen values (QLoRA, appendix E), ascending.
std::span<const float, 16> nf4Table();

/// Spans of codes. `Code` is uint8_t for formats of up to 8 bits, uint16_t up to 16; sizes must agree.
void encodeSpan(Format format, std::span<const float> values, std::span<uint8_t> codes, bool saturate = true);
void encodeSpan(Format format, std::span<const float> values, std::span<uint16_t> codes, bool saturate = true);
void decodeSpan(Format format, std::span<const uint8_t> codes, std::span<float> values);
void decodeSpan(Format format, std::span<const uint16_t> codes, std::span<float> values);

} // namespace qopt

#endif // QOPT_NUMERICS_FORMATS_FORMAT_H
