//===- Affine.h - Affine quantization of spans -------------------*- C++ -*-===//
//
//   q  = saturate(rne(x / scale) + zeroPoint)      x' = (q - zeroPoint) * scale
//
// as ONNX QuantizeLinear/DequantizeLinear have it: the division and the product are float32. rne rounds to nearest, ties
// to even. NaN quantizes to the zero point. A narrower integer range than the storage type's (int4 in int8_t, or
// symmetric int8 without -128) is given by `low` and `high`. A zero point that is no whole number (those of weights may be none) counts
// before rounding: q = saturate(rne(x / scale + zeroPoint)), which for whole ones differs in ties only.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_FORMATS_AFFINE_H
#define QOPT_NUMERICS_FORMATS_AFFINE_H

#include "qopt/Numerics/Formats/BlockGrid.h"
#include "qopt/Numerics/Formats/Format.h"
#include "qopt/Numerics/Formats/Rounding.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

/// The integers that quantization may produce, both ends included.
struct IntRange {
  int64_t low, high;
  friend bool operator==(const IntRange &, const IntRange &) = default;
};

/// The range of an integer format; `narrow` leaves out the least value of a signed one, so that it is symmetric.
IntRange intRange(Format format, bool narrow = false);

/// One scale and one zero point for all of `x`. T: int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t.
template <typename T>
void quantize(std::span<const float> x, float scale, int64_t zeroPoint, IntRange range, std::span<T> q);
template <typename T> void dequantize(std::span<const T> q, float scale, int64_t zeroPoint, std::span<float> x);

/// Scales and zero points by grid. `zeroPoints` is empty (all zero) or of the scales' count.
template <typename T>
void quantize(std::span<const float> x, const BlockGrid &grid, std::span<const float> scales,
              std::span<const float> zeroPoints, IntRange range, std::span<T> q);
template <typename T>
void dequantize(std::span<const T> q, const BlockGrid &grid, std::span<const float> scales,
                std::span<const float> zeroPoints, std::span<float> x);

/// The values that codes of at most 16 bits stand for under one scale and one zero point, which need not be whole.
class Lattice {
public:
  Lattice(float scale, float zeroPoint, IntRange range)
      : scale(scale), part(zeroPoint - roundSmall(zeroPoint)), low(static_cast<float>(range.low) - roundSmall(zeroPoint)),
        high(static_cast<float>(range.high) - roundSmall(zeroPoint)) {}

  /// The value that x (not NaN) rounds to.
  float nearest(float x) const { return valueOf(roundWithin(x / scale + part, low, high)); }

  /// The better for x of the two values on both sides of `origin`.
  float nearestBeside(float origin, float x) const {
    float below = std::clamp(std::floor(origin / scale + part), low, high);
    return valueOf(roundWithin(x / scale + part, below, std::min(high, below + 1)));
  }

private:
  float valueOf(float steps) const { return (steps - part) * scale; }

  float scale, part, low, high; ///< `part` is the zero point's fraction, `low` and `high` are less its whole
};

/// Formats with codes of up to 8 bits that are not integers (FP8, FP4, NF4): code = encode(x / scale), x' = decode * scale.
void quantizeCodes(Format format, std::span<const float> x, const BlockGrid &grid, std::span<const float> scales,
                   std::span<uint8_t> codes, bool saturate = true);
void dequantizeCodes(Format format, std::span<const uint8_t> codes, const BlockGrid &grid, std::span<const float> scales,
                     std::span<float> x);

} // namespace qopt

#endif // QOPT_NUMERICS_FORMATS_AFFINE_H
