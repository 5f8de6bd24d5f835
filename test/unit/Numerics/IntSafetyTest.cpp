//===- IntSafetyTest.cpp - Bounds against exhaustive search ---------------===//

#include "qopt/Numerics/Quantizers/IntSafety.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace qopt;

namespace {

std::vector<int8_t> randomWeights(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int8_t> weights(count);
  for (int8_t &weight : weights)
    weight = static_cast<int8_t>(random());
  return weights;
}

TEST(AccumulatorBounds, EqualExhaustiveSearch) {
  // Activations of {0, 1, 2, 3} with zero point 1: all 4^3 inputs of every prefix.
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::vector<int8_t> w = randomWeights(3, seed);
    int32_t zeroPoint = static_cast<int32_t>(seed % 5) - 2;
    int64_t min = 0, max = 0;
    for (int code = 0; code < 64; ++code) {
      int x[3] = {code & 3, code >> 2 & 3, code >> 4};
      int64_t sum = 0;
      for (int k = 0; k < 3; ++k)
        sum += (x[k] - 1) * (w[k] - zeroPoint);
      min = std::min(min, sum);
      max = std::max(max, sum);
    }
    auto bounds = accumulatorBounds(w, {1, 3}, {0, 3}, 1, std::vector<int32_t>{zeroPoint});
    EXPECT_EQ(bounds[0].min, min);
    EXPECT_EQ(bounds[0].max, max);
    auto any = accumulatorBound(3, {0, 3}, 1, {-128, 127}, zeroPoint);
    EXPECT_LE(any.min, min);
    EXPECT_GE(any.max, max);
  }
}

TEST(AccumulatorBounds, LargeKOverflowsInt32) {
  EXPECT_TRUE(accumulatorBound(4096, {0, 255}, 0, {-128, 127}).fitsInt32());
  EXPECT_TRUE(accumulatorBound(65793, {0, 255}, 0, {-128, 127}).fitsInt32());
  EXPECT_FALSE(accumulatorBound(65794, {0, 255}, 0, {-128, 127}).fitsInt32());
  EXPECT_EQ(accumulatorBound(2, {-128, 127}, -128, {-128, 127}).min, -2 * 255 * 128);
}

TEST(SaturatingPairs, EqualExhaustiveSearch) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::vector<int8_t> w = randomWeights(10, seed);
    for (int8_t &weight : w)
      weight = static_cast<int8_t>(weight / (1 + static_cast<int>(seed % 3)));
    for (int top : {127, 200, 255}) {
      std::optional<SaturatingPair> expected;
      for (int64_t n = 0; n < 2 && !expected; ++n)
        for (int64_t k = 0; k + 1 < 5 && !expected; k += 2)
          for (int x : {0, top})
            for (int y : {0, top})
              if (int sum = x * w[n * 5 + k] + y * w[n * 5 + k + 1]; sum != std::clamp(sum, -32768, 32767))
                expected = SaturatingPair{n, k, sum};
      auto found = findSaturatingPair(w, {2, 5}, top);
      ASSERT_EQ(found.has_value(), expected.has_value()) << seed;
      if (found) {
        EXPECT_EQ(found->n, expected->n);
        EXPECT_EQ(found->k, expected->k);
      }
      EXPECT_EQ(top <= greatestSafeActivation(w, {2, 5}), !expected.has_value());
    }
  }
}

TEST(SaturatingPairs, SevenBitActivationsAlmostNeverSaturate) {
  std::vector<int8_t> w = {127, 127, -128, -128};
  EXPECT_TRUE(findSaturatingPair(w, {1, 4}, 255));
  EXPECT_FALSE(findSaturatingPair(w, {1, 4}, 127));
  EXPECT_EQ(greatestSafeActivation(w, {1, 4}), 128);
  EXPECT_EQ(greatestSafeActivation(std::vector<int8_t>{64, 64, -64, -64}, {1, 4}), 255);
}

TEST(QuantizedBias, RoundsAndReportsOverflow) {
  std::vector<float> bias = {1.0f, -0.25f, 1e9f}, scales = {0.5f, 0.1f, 0.001f};
  auto result = quantizeBias(bias, 0.1f, scales);
  EXPECT_EQ(result.values[0], 20);
  EXPECT_EQ(result.values[1], -25);
  EXPECT_EQ(result.values[2], INT32_MAX);
  EXPECT_EQ(result.overflow, 2);
  EXPECT_FALSE(quantizeBias(std::span(bias).first(2), 0.1f, std::span(scales).first(2)).overflow);
  // Fits alone, not beside its accumulator.
  std::vector<AccumulatorBound> bounds = {{-INT32_MAX + 19, 100}, {0, 0}};
  EXPECT_EQ(quantizeBias(std::span(bias).first(2), 0.1f, std::span(scales).first(2), bounds).overflow, 0);
  EXPECT_EQ(quantizeBias(std::vector<float>{1}, 0.0f, std::vector<float>{1}).overflow, 0);
}

} // namespace
