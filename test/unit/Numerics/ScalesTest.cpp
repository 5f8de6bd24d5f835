//===- ScalesTest.cpp - Scales from ranges and weights --------------------===//

#include "Normal.h"
#include "Threads.h"
#include "qopt/Numerics/Quantizers/Equalize.h"
#include "qopt/Numerics/Quantizers/Scales.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace qopt;
using test::normalValues;
using test::twoThreads;

namespace {

TEST(ParamsFromRange, ZeroIsAlwaysExact) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> ends(-50, 50);
  for (IntRange range : {IntRange{-128, 127}, IntRange{0, 255}, IntRange{-32768, 32767}, IntRange{-127, 127}, IntRange{0, 15}})
    for (bool symmetric : {false, true})
      for (int i = 0; i < 500; ++i) {
        double a = ends(random), b = ends(random);
        AffineOptions options{range, symmetric};
        AffineParams params = paramsFromRange(std::min(a, b), std::max(a, b), options);
        ASSERT_GE(params.zeroPoint, range.low);
        ASSERT_LE(params.zeroPoint, range.high);
        ASSERT_GT(params.scale, 0);
        // The ends of the widened range are reached to within a step, so that nothing is clipped by more than rounding.
        double least = (range.low - params.zeroPoint) * static_cast<double>(params.scale);
        double greatest = (range.high - params.zeroPoint) * static_cast<double>(params.scale);
        ASSERT_LE(least, std::min({a, b, 0.0}) + params.scale * 0.501);
        ASSERT_GE(greatest, std::max({a, b, 0.0}) - params.scale * 0.501);
      }
}

TEST(ParamsFromRange, KnownValues) {
  EXPECT_EQ(paramsFromRange(-1, 2, {{-128, 127}, true}), (AffineParams{2.0f / 127, 0}));
  EXPECT_EQ(paramsFromRange(-1, 2, {{0, 255}, true}), (AffineParams{2.0f / 127, 128}));
  EXPECT_EQ(paramsFromRange(-2, 3.1, {{0, 255}, false}), (AffineParams{static_cast<float>(5.1 / 255), 100}));
  EXPECT_EQ(paramsFromRange(1, 2.55, {{0, 255}, false}), (AffineParams{0.01f, 0}));
  EXPECT_EQ(paramsFromRange(0, 15, {{-8, 7}, true, SymmetricTop::HalfRange}), (AffineParams{2.0f, 0}));
  EXPECT_EQ(paramsFromRange(0, 0, {{-128, 127}, false}), (AffineParams{1, 0}));
  EXPECT_EQ(paramsFromRange(0, 0, {{0, 255}, true}), (AffineParams{1, 128}));
  EXPECT_EQ(paramsFromRange(-1e-44, 1e-44, {{-128, 127}, true}).scale, std::numeric_limits<float>::min());
  EXPECT_TRUE(std::isfinite(paramsFromRange(-INFINITY, INFINITY, {{-128, 127}, true}).scale));
  EXPECT_TRUE(std::isfinite(paramsFromRange(-3.4e38, 3.4e38, {{-128, 127}, false}).scale));
}

TEST(ParamsFromRange, FractionalZeroPointsMeetBothEnds) {
  std::mt19937 random(2);
  std::uniform_real_distribution<float> ends(-50, 50);
  AffineOptions options{{0, 15}, false};
  options.fractionalZero = true;
  for (int i = 0; i < 500; ++i) {
    float a = ends(random), b = ends(random), low = std::min(a, b), high = std::max(a, b);
    AffineParams params = paramsFromRange(low, high, options); // of one sign too: nothing is widened
    Lattice lattice(params.scale, params.zeroPoint, options.range);
    ASSERT_NEAR(lattice.nearest(low), low, 1e-5);
    ASSERT_NEAR(lattice.nearest(high), high, 1e-5);
    ASSERT_NEAR(params.scale, (high - low) / 15, 1e-6);
  }
  EXPECT_EQ(paramsFromRange(3, 3, options), (AffineParams{1, -3}));
  AffineParams far = paramsFromRange(1, 1 + 1e-6, options); // the zero point would be past 2^20
  EXPECT_LE(std::fabs(far.zeroPoint), 1 << 20);
  EXPECT_NEAR(Lattice(far.scale, far.zeroPoint, options.range).nearest(1), 1, 1e-6);
}

TEST(FractionalZeroPoints, RoundAsAffineRoundsAndFindTheGridThatWeightsLieOn) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> scales(0.01f, 0.1f), least(-1, 0.5f);
  std::uniform_int_distribution<int> codes(0, 15);
  constexpr int64_t groups = 40, size = 32;
  std::vector<float> x;
  for (int64_t g = 0; g < groups; ++g) {
    float scale = scales(random), minimum = least(random);
    for (int64_t k = 0; k < size; ++k) // codes 0 and 15 occur, as in llama.cpp's Q4_1
      x.push_back(minimum + static_cast<float>(k < 2 ? 15 * k : codes(random)) * scale);
  }
  BlockGrid grid = BlockGrid::perGroup({groups, size}, 1, size);
  AffineOptions options{{0, 15}, false}, whole = options;
  options.fractionalZero = true;
  auto params = paramsByClipSearch(x, grid, options), wholeParams = paramsByClipSearch(x, grid, whole);
  ASSERT_TRUE(params && wholeParams);
  std::vector<float> out(x.size()), byCodes(x.size()), byWhole(x.size());
  fakeQuantize(x, grid, *params, options.range, out);
  fakeQuantize(x, grid, *wholeParams, whole.range, byWhole);
  std::vector<uint8_t> q(x.size());
  quantize<uint8_t>(x, grid, params->scales, params->zeroPoints, options.range, q);
  dequantize<uint8_t>(q, grid, params->scales, params->zeroPoints, byCodes);
  EXPECT_EQ(out, byCodes);
  double error = 0, wholeError = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error = std::max(error, std::fabs(static_cast<double>(out[i]) - x[i]));
    wholeError = std::max(wholeError, std::fabs(static_cast<double>(byWhole[i]) - x[i]));
  }
  EXPECT_LT(error, 1e-6);
  EXPECT_GT(wholeError, 1e-3);
}

TEST(FractionalZeroPoints, ThatAreWholeChangeNothing) {
  std::mt19937 random(4);
  std::uniform_real_distribution<float> values(-40, 40);
  for (int zero : {-3, 0, 7, 8, 15})
    for (int i = 0; i < 2000; ++i) {
      float x = i % 4 ? values(random) : std::round(values(random)) / 2, scale = i % 3 ? 0.5f : 0.37f;
      std::vector<uint8_t> q(1);
      quantize<uint8_t>(std::vector<float>{x}, scale, zero, {0, 15}, q);
      ASSERT_EQ(Lattice(scale, static_cast<float>(zero), {0, 15}).nearest(x), static_cast<float>(q[0] - zero) * scale) << x << " " << zero;
    }
}

TEST(ParamsFromValues, EveryBoxHasItsOwnRange) {
  std::vector<float> x = {1, -2, 0, 0, 3, 4, 0.5f, -0.25f};
  auto params = paramsFromValues(x, BlockGrid::perGroup({2, 4}, 1, 2), {{-127, 127}, true});
  ASSERT_TRUE(params);
  EXPECT_EQ(params->scales, (std::vector<float>{2.0f / 127, 1, 4.0f / 127, 0.5f / 127}));
  EXPECT_EQ(params->zeroPoints, (std::vector<float>(4, 0)));
}

TEST(ParamsFromValues, NaNAndInfinityAreRefused) {
  std::vector<float> x = {1, NAN, 2};
  auto params = paramsFromValues(x, BlockGrid::perTensor({3}), {});
  ASSERT_FALSE(params);
  EXPECT_EQ(params.error(), "element 1 is NaN: quantization needs finite values");
  x[1] = INFINITY;
  EXPECT_FALSE(paramsByClipSearch(x, BlockGrid::perTensor({3}), {}));
}

double errorOf(std::span<const float> x, const BlockGrid &grid, const GridParams &params, IntRange range) {
  std::vector<float> out(x.size());
  fakeQuantize(x, grid, params, range, out);
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sum += (static_cast<double>(out[i]) - x[i]) * (static_cast<double>(out[i]) - x[i]);
  return sum;
}

TEST(ClipSearch, BeatsAbsMaxAndDoesNotDependOnThreads) {
  std::vector<float> x = normalValues(64 * 128, 7);
  for (const BlockGrid &grid : {BlockGrid::perAxis({64, 128}, 0), BlockGrid::perAxis({64, 128}, 1),
                                BlockGrid::perGroup({64, 128}, 1, 32), BlockGrid::perTensor({64, 128})})
    for (bool symmetric : {true, false}) {
      AffineOptions options{{-8, 7}, symmetric};
      auto plain = paramsFromValues(x, grid, options);
      auto searched = paramsByClipSearch(x, grid, options), threaded = paramsByClipSearch(x, grid, options, {}, twoThreads);
      ASSERT_TRUE(plain && searched && threaded);
      EXPECT_LT(errorOf(x, grid, *searched, options.range), errorOf(x, grid, *plain, options.range));
      EXPECT_EQ(searched->scales, threaded->scales);
      EXPECT_EQ(searched->zeroPoints, threaded->zeroPoints);
    }
}

TEST(ClipSearch, FindsTheBestCandidate) {
  std::vector<float> x = normalValues(1000, 8);
  BlockGrid grid = BlockGrid::perTensor({1000});
  float top = *std::max_element(x.begin(), x.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  AffineOptions options{{-8, 7}, true};
  auto searched = paramsByClipSearch(x, grid, options, {0.2, 41});
  double least = INFINITY;
  for (int step = 0; step <= 40; ++step) {
    double fraction = 1 - 0.02 * step;
    float scale = static_cast<float>(std::fabs(top * fraction) / 7);
    double error = 0;
    for (float value : x) {
      double q = std::clamp(std::nearbyint(static_cast<double>(value) / scale), -8.0, 7.0);
      error += (q * scale - value) * (q * scale - value);
    }
    least = std::min(least, error);
  }
  EXPECT_NEAR(errorOf(x, grid, *searched, options.range), least, 1e-5 * least);
  EXPECT_LT(least, 0.7 * errorOf(x, grid, *paramsFromValues(x, grid, options), options.range));
}

TEST(FakeQuantize, IsQuantizeThenDequantize) {
  std::vector<float> x = normalValues(300, 9), out(300), back(300);
  std::vector<uint8_t> q(300);
  BlockGrid grid = BlockGrid::perGroup({3, 100}, 1, 32);
  AffineOptions options{{0, 255}, false};
  auto params = paramsFromValues(x, grid, options);
  fakeQuantize(x, grid, *params, options.range, out);
  quantize<uint8_t>(x, grid, params->scales, params->zeroPoints, options.range, q);
  dequantize<uint8_t>(q, grid, params->scales, params->zeroPoints, back);
  EXPECT_EQ(out, back);
}

TEST(SmoothQuant, FollowsTheFormulaAndKeepsTheProduct) {
  std::vector<float> activation = {4, 0, 1, 100}, weight = {1, 2, 0, 0.01f};
  std::vector<float> s = smoothQuantScales(activation, weight, 0.5f);
  EXPECT_FLOAT_EQ(s[0], 2.0f);
  EXPECT_EQ(s[1], 1.0f);
  EXPECT_EQ(s[2], 1.0f);
  EXPECT_FLOAT_EQ(s[3], 100.0f);
  s = smoothQuantScales(activation, weight, 0.75f);
  EXPECT_FLOAT_EQ(s[0], std::pow(4.0f, 0.75f));
  std::vector<float> w = {1, 2, 3, 4, 5, 6, 7, 8};
  scaleColumns(w, {2, 4}, s);
  EXPECT_EQ(w[4], 5 * s[0]);
  EXPECT_EQ(w[7], 8 * s[3]);
}

TEST(Equalization, BalancesRanges) {
  std::vector<float> first = {4, 0, 1}, second = {1, 2, 16};
  std::vector<float> s = equalizationScales(first, second);
  EXPECT_EQ(s, (std::vector<float>{2, 1, 0.25f}));
  for (int i : {0, 2})
    EXPECT_FLOAT_EQ(first[i] / s[i], second[i] * s[i]);
}

TEST(BiasCorrection, RemovesTheMeanError) {
  std::vector<float> w = {0.5f, 1.25f, -2, 3}, q = {0.5f, 1, -2, 3.5f}, mean = {2, 4}, bias = {1, 1};
  correctBias(w, q, {2, 2}, mean, bias);
  EXPECT_EQ(bias, (std::vector<float>{2, -1}));
}

} // namespace
