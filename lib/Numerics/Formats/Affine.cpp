//===- Affine.cpp - Affine quantization of spans --------------------------===//

#include "qopt/Numerics/Formats/Affine.h"
#include "qopt/Numerics/Formats/Rounding.h"

#include <array>
#include <cassert>
#include <cmath>

namespace qopt {
namespace {

/// Storage of up to 16 bits.
template <typename T> T quantizeSmall(float x, float scale, float low, float high, float zeroPoint) {
  float ratio = x / scale;
  ratio = ratio == ratio ? ratio : 0.0f;
  return static_cast<T>(static_cast<int32_t>(roundWithin(ratio, low, high) + zeroPoint));
}

template <typename T> T quantizeWide(float x, float scale, int64_t zeroPoint, IntRange range) {
  double rounded = std::nearbyint(static_cast<double>(x / scale));
  if (std::isnan(rounded))
    rounded = 0;
  double shifted = rounded + static_cast<double>(zeroPoint);
  if (shifted <= static_cast<double>(range.low))
    return static_cast<T>(range.low);
  if (shifted >= static_cast<double>(range.high))
    return static_cast<T>(range.high);
  return static_cast<T>(static_cast<int64_t>(shifted));
}

template <typename T> T quantizeOne(float x, float scale, int64_t zeroPoint, IntRange range) {
  if constexpr (sizeof(T) <= 2)
    return quantizeSmall<T>(x, scale, static_cast<float>(range.low - zeroPoint),
                            static_cast<float>(range.high - zeroPoint), static_cast<float>(zeroPoint));
  else
    return quantizeWide<T>(x, scale, zeroPoint, range);
}

bool isWhole(float zeroPoint) { return zeroPoint == std::nearbyint(zeroPoint); }

template <typename T> T quantizeAny(float x, float scale, float zeroPoint, IntRange range) {
  if (isWhole(zeroPoint))
    return quantizeOne<T>(x, scale, static_cast<int64_t>(zeroPoint), range);
  float whole = std::nearbyint(zeroPoint), shifted = x / scale + (zeroPoint - whole);
  double rounded = static_cast<double>(std::isnan(shifted) ? 0.0f : std::nearbyint(shifted)) + static_cast<double>(whole);
  return static_cast<T>(static_cast<int64_t>(std::clamp(rounded, static_cast<double>(range.low), static_cast<double>(range.high))));
}

/// Doubles hold the difference exactly.
template <typename T> float dequantizeOne(T q, float scale, double zeroPoint) {
  return static_cast<float>(static_cast<double>(q) - zeroPoint) * scale;
}

} // namespace

IntRange intRange(Format format, bool narrow) {
  const FormatTraits &row = traits(format);
  assert(row.isInteger());
  return {static_cast<int64_t>(row.min) + (narrow && row.isSigned), static_cast<int64_t>(row.max)};
}

template <typename T>
void quantize(std::span<const float> x, float scale, int64_t zeroPoint, IntRange range, std::span<T> q) {
  assert(x.size() == q.size());
  for (size_t i = 0; i < x.size(); ++i)
    q[i] = quantizeOne<T>(x[i], scale, zeroPoint, range);
}

template <typename T> void dequantize(std::span<const T> q, float scale, int64_t zeroPoint, std::span<float> x) {
  assert(x.size() == q.size());
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = dequantizeOne(q[i], scale, static_cast<double>(zeroPoint));
}

template <typename T>
void quantize(std::span<const float> x, const BlockGrid &grid, std::span<const float> scales,
              std::span<const float> zeroPoints, IntRange range, std::span<T> q) {
  assert(static_cast<int64_t>(x.size()) == grid.elementCount() && x.size() == q.size());
  assert(static_cast<int64_t>(scales.size()) == grid.scaleCount());
  grid.forEachRun([&](BlockGrid::Run run) {
    auto zeroPointAt = [&](int64_t index) { return zeroPoints.empty() ? 0.0f : zeroPoints[index]; };
    if (run.scaleStride == 0 && isWhole(zeroPointAt(run.scale)))
      return quantize<T>(x.subspan(run.begin, run.count), scales[run.scale], static_cast<int64_t>(zeroPointAt(run.scale)), range,
                         q.subspan(run.begin, run.count));
    for (int64_t i = 0; i < run.count; ++i) {
      int64_t box = run.scale + i * run.scaleStride;
      q[run.begin + i] = quantizeAny<T>(x[run.begin + i], scales[box], zeroPointAt(box), range);
    }
  });
}

template <typename T>
void dequantize(std::span<const T> q, const BlockGrid &grid, std::span<const float> scales,
                std::span<const float> zeroPoints, std::span<float> x) {
  assert(static_cast<int64_t>(x.size()) == grid.elementCount() && x.size() == q.size());
  assert(static_cast<int64_t>(scales.size()) == grid.scaleCount());
  grid.forEachRun([&](BlockGrid::Run run) {
    for (int64_t i = 0; i < run.count; ++i) {
      int64_t scale = run.scale + i * run.scaleStride;
      x[run.begin + i] = dequantizeOne(q[run.begin + i], scales[scale], zeroPoints.empty() ? 0.0 : static_cast<double>(zeroPoints[scale]));
    }
  });
}

#define QOPT_INSTANTIATE(T)                                                                                            \
  template void quantize<T>(std::span<const float>, float, int64_t, IntRange, std::span<T>);                           \
  template void dequantize<T>(std::span<const T>, float, int64_t, std::span<float>);                                   \
  template void quantize<T>(std::span<const float>, const BlockGrid &, std::span<const float>,                         \
                            std::span<const float>, IntRange, std::span<T>);                                           \
  template void dequantize<T>(std::span<const T>, const BlockGrid &, std::span<const float>, std::span<const float>,   \
                              std::span<float>);
QOPT_INSTANTIATE(int8_t)
QOPT_INSTANTIATE(uint8_t)
QOPT_INSTANTIATE(int16_t)
QOPT_INSTANTIATE(uint16_t)
QOPT_INSTANTIATE(int32_t)
QOPT_INSTANTIATE(uint32_t)
#undef QOPT_INSTANTIATE

void quantizeCodes(Format format, std::span<const float> x, const BlockGrid &grid, std::span<const float> scales,
                   std::span<uint8_t> codes, bool saturate) {
  assert(static_cast<int64_t>(scales.size()) == grid.scaleCount() && x.size() == codes.size());
  grid.forEachRun([&](BlockGrid::Run run) {
    for (int64_t i = 0; i < run.count; ++i) {
      float ratio = x[run.begin + i] / scales[run.scale + i * run.scaleStride];
      codes[run.begin + i] = static_cast<uint8_t>(encode(format, ratio, saturate));
    }
  });
}

void dequantizeCodes(Format format, std::span<const uint8_t> codes, const BlockGrid &grid, std::span<const float> scales,
                     std::span<float> x) {
  assert(static_cast<int64_t>(scales.size()) == grid.scaleCount() && x.size() == codes.size());
  std::array<float, 256> values;
  for (uint32_t code = 0; code < 256; ++code)
    values[code] = static_cast<float>(decode(format, code));
  grid.forEachRun([&](BlockGrid::Run run) {
    for (int64_t i = 0; i < run.count; ++i)
      x[run.begin + i] = values[codes[run.begin + i]] * scales[run.scale + i * run.scaleStride];
  });
}

} // namespace qopt
