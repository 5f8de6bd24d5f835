//===- IntSafety.cpp - Proofs that integer code cannot overflow -----------===//

#include "qopt/Numerics/Quantizers/IntSafety.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qopt {
namespace {

/// Widens the bound by `count` terms of (any x in [low, high]) * w.
void addTerms(AccumulatorBound &bound, int64_t low, int64_t high, int64_t w, int64_t count = 1) {
  bound.max += count * std::max({low * w, high * w, int64_t{0}});
  bound.min += count * std::min({low * w, high * w, int64_t{0}});
}

int32_t pairMax(int8_t a, int8_t b, int activationMax) { return activationMax * (std::max<int>(a, 0) + std::max<int>(b, 0)); }
int32_t pairMin(int8_t a, int8_t b, int activationMax) { return activationMax * (std::min<int>(a, 0) + std::min<int>(b, 0)); }

} // namespace

std::vector<AccumulatorBound> accumulatorBounds(std::span<const int8_t> weight, RowShape shape, IntRange activation,
                                                int32_t xZeroPoint, std::span<const int32_t> weightZeroPoints) {
  assert(static_cast<int64_t>(weight.size()) == shape.rows * shape.cols);
  std::vector<AccumulatorBound> bounds(shape.rows);
  for (int64_t n = 0; n < shape.rows; ++n) {
    int64_t zero = weightZeroPoints.empty() ? 0 : weightZeroPoints[weightZeroPoints.size() == 1 ? 0 : n];
    for (int64_t k = 0; k < shape.cols; ++k)
      addTerms(bounds[n], activation.low - xZeroPoint, activation.high - xZeroPoint, weight[n * shape.cols + k] - zero);
  }
  return bounds;
}

AccumulatorBound accumulatorBound(int64_t k, IntRange activation, int32_t xZeroPoint, IntRange weight,
                                  int32_t weightZeroPoint) {
  int64_t low = activation.low - xZeroPoint, high = activation.high - xZeroPoint;
  AccumulatorBound least, greatest;
  addTerms(least, low, high, weight.low - weightZeroPoint, k);
  addTerms(greatest, low, high, weight.high - weightZeroPoint, k);
  return {std::min(least.min, greatest.min), std::max(least.max, greatest.max)};
}

std::optional<SaturatingPair> findSaturatingPair(std::span<const int8_t> weight, RowShape shape, int activationMax) {
  assert(static_cast<int64_t>(weight.size()) == shape.rows * shape.cols);
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t k = 0; k + 1 < shape.cols; k += 2) { // a last weight without a neighbour cannot saturate
      int8_t a = weight[n * shape.cols + k], b = weight[n * shape.cols + k + 1];
      if (int32_t worst = pairMax(a, b, activationMax); worst > INT16_MAX)
        return SaturatingPair{n, k, worst};
      if (int32_t worst = pairMin(a, b, activationMax); worst < INT16_MIN)
        return SaturatingPair{n, k, worst};
    }
  return std::nullopt;
}

int greatestSafeActivation(std::span<const int8_t> weight, RowShape shape) {
  int up = 1, down = 1; // the greatest sums of positive and of negative neighbours
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t k = 0; k + 1 < shape.cols; k += 2) {
      up = std::max(up, pairMax(weight[n * shape.cols + k], weight[n * shape.cols + k + 1], 1));
      down = std::max(down, -pairMin(weight[n * shape.cols + k], weight[n * shape.cols + k + 1], 1));
    }
  return std::min({255, INT16_MAX / up, -INT16_MIN / down});
}

QuantizedBias quantizeBias(std::span<const float> bias, float inputScale, std::span<const float> weightScales,
                           std::span<const AccumulatorBound> bounds) {
  assert(weightScales.size() == 1 || weightScales.size() == bias.size());
  QuantizedBias result;
  result.values.resize(bias.size());
  for (size_t n = 0; n < bias.size(); ++n) {
    float unit = inputScale * weightScales[weightScales.size() == 1 ? 0 : n];
    double value = std::nearbyint(static_cast<double>(bias[n]) / unit);
    double margin = bounds.empty() ? 0 : static_cast<double>(bounds[n].magnitude());
    bool fits = std::isfinite(value) && std::fabs(value) + margin <= INT32_MAX;
    if (!fits && !result.overflow)
      result.overflow = static_cast<int64_t>(n);
    double clamped = std::isnan(value) ? 0 : std::clamp<double>(value, INT32_MIN, INT32_MAX);
    result.values[n] = static_cast<int32_t>(clamped);
  }
  return result;
}

} // namespace qopt
