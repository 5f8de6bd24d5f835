//===- BlockScaled.cpp - MX, NVFP4 and NF4 blocks -------------------------===//

#include "qopt/Numerics/Formats/BlockScaled.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace qopt {
namespace {

struct Block {
  int64_t begin, count, index;
};

template <typename Body> void forEachBlock(RowShape shape, int64_t block, Body &&body) {
  int64_t index = 0;
  for (int64_t row = 0; row < shape.rows; ++row)
    for (int64_t col = 0; col < shape.cols; col += block)
      body(Block{row * shape.cols + col, std::min(block, shape.cols - col), index++});
}

/// Greatest magnitude; NaN (positive) where any value is NaN.
float absMax(std::span<const float> values) {
  float result = 0;
  for (float value : values) {
    if (std::isnan(value))
      return std::numeric_limits<float>::quiet_NaN();
    result = std::max(result, std::fabs(value));
  }
  return result;
}

/// Scale code of a block with the given greatest magnitude.
uint32_t mxScale(float amax, const FormatTraits &element, MxScaleRule rule) {
  if (std::isnan(amax))
    return 0xFF;
  if (amax == 0)
    return 0;
  if (rule == MxScaleRule::Ceil)
    return encodeE8M0(amax / element.max, ScaleRounding::Up);
  double top = std::isinf(amax) ? std::numeric_limits<float>::max() : amax;
  return encodeE8M0(std::ldexp(1.0, std::ilogb(top) - std::ilogb(element.max)), ScaleRounding::Down);
}

} // namespace

void quantizeMx(Format element, std::span<const float> x, RowShape shape, std::span<uint8_t> codes,
                std::span<uint8_t> scales, MxScaleRule rule, int64_t block) {
  assert(x.size() == codes.size() && static_cast<int64_t>(scales.size()) == shape.rows * shape.blocksPerRow(block));
  forEachBlock(shape, block, [&](Block b) {
    uint32_t scale = mxScale(absMax(x.subspan(b.begin, b.count)), traits(element), rule);
    scales[b.index] = static_cast<uint8_t>(scale);
    double inverse = scale == 0xFF ? 0 : std::ldexp(1.0, 127 - static_cast<int>(scale));
    for (int64_t i = b.begin; i < b.begin + b.count; ++i)
      codes[i] = inverse == 0 ? 0 : static_cast<uint8_t>(encode(element, x[i] * inverse));
  });
}

void dequantizeMx(Format element, std::span<const uint8_t> codes, std::span<const uint8_t> scales, RowShape shape,
                  std::span<float> x, int64_t block) {
  assert(x.size() == codes.size() && static_cast<int64_t>(scales.size()) == shape.rows * shape.blocksPerRow(block));
  forEachBlock(shape, block, [&](Block b) {
    double scale = decode(Format::F8E8M0FNU, scales[b.index]);
    for (int64_t i = b.begin; i < b.begin + b.count; ++i)
      x[i] = static_cast<float>(decode(element, codes[i]) * scale);
  });
}

float nvfp4TensorScale(std::span<const float> x, NvScaleRule rule) {
  float amax = 0;
  for (float value : x)
    if (std::isfinite(value))
      amax = std::max(amax, std::fabs(value));
  if (amax == 0)
    return 1;
  float scale = std::max(amax / (448.0f * 6.0f), std::numeric_limits<float>::min());
  if (rule == NvScaleRule::AbsMax)
    return scale;
  int exponent;
  float fraction = std::frexp(scale, &exponent); // scale = fraction * 2^exponent, fraction in [0.5, 1)
  return std::ldexp(1.0f, fraction == 0.5f ? exponent - 1 : exponent);
}

void quantizeNvfp4(std::span<const float> x, RowShape shape, float tensorScale, std::span<uint8_t> codes,
                   std::span<uint8_t> scales) {
  assert(x.size() == codes.size() && static_cast<int64_t>(scales.size()) == shape.rows * shape.blocksPerRow(nvfp4Block));
  forEachBlock(shape, nvfp4Block, [&](Block b) {
    float amax = absMax(x.subspan(b.begin, b.count));
    scales[b.index] = static_cast<uint8_t>(encode(Format::F8E4M3FN, amax / 6.0f / tensorScale));
    float scale = static_cast<float>(decode(Format::F8E4M3FN, scales[b.index])) * tensorScale;
    for (int64_t i = b.begin; i < b.begin + b.count; ++i)
      codes[i] = scale > 0 ? static_cast<uint8_t>(encode(Format::F4E2M1FN, x[i] / scale)) : 0;
  });
}

void dequantizeNvfp4(std::span<const uint8_t> codes, std::span<const uint8_t> scales, RowShape shape, float tensorScale,
                     std::span<float> x) {
  assert(x.size() == codes.size() && static_cast<int64_t>(scales.size()) == shape.rows * shape.blocksPerRow(nvfp4Block));
  forEachBlock(shape, nvfp4Block, [&](Block b) {
    float scale = static_cast<float>(decode(Format::F8E4M3FN, scales[b.index])) * tensorScale;
    for (int64_t i = b.begin; i < b.begin + b.count; ++i)
      x[i] = static_cast<float>(decode(Format::F4E2M1FN, codes[i])) * scale;
  });
}

void quantizeNf4(std::span<const float> x, RowShape shape, int64_t block, std::span<uint8_t> codes,
                 std::span<float> scales) {
  assert(x.size() == codes.size() && static_cast<int64_t>(scales.size()) == shape.rows * shape.blocksPerRow(block));
  forEachBlock(shape, block, [&](Block b) {
    float amax = absMax(x.subspan(b.begin, b.count));
    scales[b.index] = amax == 0 ? 1 : amax;
    for (int64_t i = b.begin; i < b.begin + b.count; ++i)
      codes[i] = static_cast<uint8_t>(encode(Format::NF4, x[i] / scales[b.index]));
  });
}

void dequantizeNf4(std::span<const uint8_t> codes, std::span<const float> scales, RowShape shape, int64_t block,
                   std::span<float> x) {
  assert(x.size() == codes.size() && static_cast<int64_t>(scales.size()) == shape.rows * shape.blocksPerRow(block));
  forEachBlock(shape, block, [&](Block b) {
    for (int64_t i = b.begin; i < b.begin + b.count; ++i)
      x[i] = nf4Table()[codes[i] & 15] * scales[b.index];
  });
}

DoubleQuantizedScales quantizeScales(std::span<const float> scales, int64_t superBlock) {
  DoubleQuantizedScales result;
  result.superBlock = superBlock;
  double sum = 0;
  for (float scale : scales)
    sum += scale;
  result.offset = scales.empty() ? 0 : static_cast<float>(sum / static_cast<double>(scales.size()));
  result.codes.resize(scales.size());
  for (size_t begin = 0; begin < scales.size(); begin += superBlock) {
    size_t end = std::min(begin + superBlock, scales.size());
    float amax = 0;
    for (size_t i = begin; i < end; ++i)
      amax = std::max(amax, std::fabs(scales[i] - result.offset));
    float superScale = amax == 0 ? 1 : amax / 448.0f;
    result.superScales.push_back(superScale);
    for (size_t i = begin; i < end; ++i)
      result.codes[i] = static_cast<uint8_t>(encode(Format::F8E4M3FN, (scales[i] - result.offset) / superScale));
  }
  return result;
}

std::vector<float> dequantizeScales(const DoubleQuantizedScales &scales) {
  std::vector<float> result(scales.codes.size());
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<float>(decode(Format::F8E4M3FN, scales.codes[i])) *
                    scales.superScales[i / scales.superBlock] + scales.offset;
  return result;
}

} // namespace qopt
