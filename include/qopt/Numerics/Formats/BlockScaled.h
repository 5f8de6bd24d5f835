//===- BlockScaled.h - MX, NVFP4 and NF4 blocks ------------------*- C++ -*-===//
//
// Formats whose scales are themselves codes. All work on rows: the tensor is [rows, cols] row-major, blocks lie along the
// row, the last block of a row may be partial, and scales are [rows, ceil(cols / block)].
//
//   MX     (OCP Microscaling 1.0, section 6.3): block 32, E8M0 scale, elements F8E4M3FN, F8E5M2, F6E3M2FN, F6E2M3FN, F4E2M1FN
//   NVFP4  block 16, F8E4M3FN scale under one float for the tensor, elements F4E2M1FN
//   NF4    (QLoRA): block 64, float abs-max scale; double quantization stores the scales in 8 bits
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_FORMATS_BLOCKSCALED_H
#define QOPT_NUMERICS_FORMATS_BLOCKSCALED_H

#include "qopt/Numerics/Formats/Format.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

struct RowShape {
  int64_t rows, cols;
  int64_t blocksPerRow(int64_t block) const { return (cols + block - 1) / block; }
};

/// How the shared exponent of an MX block follows from its greatest magnitude.
enum class MxScaleRule : uint8_t {
  Floor, ///< floor(log2(amax)) - emax, the specification's: the top of the range may saturate
  Ceil,  ///< the least power of two under which nothing saturates
};

inline constexpr int64_t mxBlock = 32, nvfp4Block = 16;

/// One code a value and one E8M0 code a block. A block of zeros gets scale code 0 (2^-127); NaN in a block makes its scale
/// NaN (0xFF) and its elements zero; infinities saturate.
void quantizeMx(Format element, std::span<const float> x, RowShape shape, std::span<uint8_t> codes,
                std::span<uint8_t> scales, MxScaleRule rule = MxScaleRule::Floor, int64_t block = mxBlock);
void dequantizeMx(Format element, std::span<const uint8_t> codes, std::span<const uint8_t> scales, RowShape shape,
                  std::span<float> x, int64_t block = mxBlock);

/// How the tensor's own scale follows from its greatest magnitude.
enum class NvScaleRule : uint8_t {
  AbsMax,     ///< amax / (448 * 6): the greatest block scale is 448
  PowerOfTwo, ///< the next power of two above: exact to invert, so that exports that store the reciprocal decode alike
};

/// value = F4E2M1(code) * (F8E4M3(block scale) * tensorScale), the inner product rounded to float.
float nvfp4TensorScale(std::span<const float> x, NvScaleRule rule = NvScaleRule::AbsMax);
void quantizeNvfp4(std::span<const float> x, RowShape shape, float tensorScale, std::span<uint8_t> codes,
                   std::span<uint8_t> scales);
void dequantizeNvfp4(std::span<const uint8_t> codes, std::span<const uint8_t> scales, RowShape shape, float tensorScale,
                     std::span<float> x);

/// Abs-max scales as floats (0 becomes 1, so that a block of zeros stays zeros).
void quantizeNf4(std::span<const float> x, RowShape shape, int64_t block, std::span<uint8_t> codes,
                 std::span<float> scales);
void dequantizeNf4(std::span<const uint8_t> codes, std::span<const float> scales, RowShape shape, int64_t block,
                   std::span<float> x);

/// Double quantization: scales less their mean, as F8E4M3FN under one float for every `superBlock` of them.
struct DoubleQuantizedScales {
  float offset = 0;                ///< mean of the scales, summed in order in double
  int64_t superBlock = 256;
  std::vector<uint8_t> codes;      ///< one a scale
  std::vector<float> superScales;  ///< ceil(count / superBlock)
};
DoubleQuantizedScales quantizeScales(std::span<const float> scales, int64_t superBlock = 256);
std::vector<float> dequantizeScales(const DoubleQuantizedScales &scales);

} // namespace qopt

#endif // QOPT_NUMERICS_FORMATS_BLOCKSCALED_H
