//===- RangesTest.cpp - Clipping ranges against brute force in numpy ------===//

#include "Golden.h"
#include "qopt/Numerics/Stats/Ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace qopt;
using test::golden;

namespace {

Histogram laplace(int bins = Histogram::defaultBins) {
  Histogram histogram(bins);
  histogram.add(golden<float>("stats_x").data);
  return histogram;
}

/// How many values satisfy the predicate.
template <typename Predicate> int64_t countOf(const std::vector<float> &x, Predicate &&predicate) {
  return std::count_if(x.begin(), x.end(), predicate);
}

TEST(Percentile, LeavesTheShareOutsideAndOneBinLessWouldLeaveMore) {
  Histogram histogram = laplace();
  std::vector<float> x = golden<float>("stats_x").data; // 20,000 values
  double width = histogram.binWidth();
  for (int64_t outside : {0, 1, 20, 500, 9000}) {
    double percent = 100 - outside / 200.0;
    float top = percentileRange(histogram, percent, {255, true}).max;
    EXPECT_LE(countOf(x, [&](float v) { return std::fabs(v) > top; }), outside);
    EXPECT_GE(countOf(x, [&](float v) { return std::fabs(v) >= top - width; }), outside);
    ValueRange both = percentileRange(histogram, percent, {256, false});
    EXPECT_LE(countOf(x, [&](float v) { return v > both.max; }), outside / 2);
    EXPECT_GE(countOf(x, [&](float v) { return v >= both.max - width; }), outside / 2);
    EXPECT_LE(countOf(x, [&](float v) { return v < both.min; }), outside / 2);
    EXPECT_GE(countOf(x, [&](float v) { return v <= both.min + width; }), outside / 2);
  }
  EXPECT_EQ(percentileRange(histogram, 100, {256, false}), histogram.range());
}

TEST(Mse, FindsTheClipThatBruteForceFinds) {
  Histogram histogram = laplace();
  auto expected = golden<double>("stats_mse").data;
  int at = 0;
  for (int levels : {256, 16}) {
    ValueRange range = mseRange(histogram, {levels, true});
    // The bottom of the error is flat: what counts is the error, not the place.
    double clip = expected[at], error = expected[at + 1];
    EXPECT_NEAR(range.max, clip, 0.08 * clip) << levels;
    std::vector<float> x = golden<float>("stats_x").data;
    double sum = 0, high = (levels - 1) / 2, scale = range.max / high;
    for (double value : x) {
      double q = std::min(std::max(std::nearbyint(value / scale), high + 1 - levels), high);
      sum += (q * scale - value) * (q * scale - value);
    }
    EXPECT_LE(sum, 1.01 * error) << levels;
    at += 2;
  }
}

TEST(Mse, ErrorIntegralEqualsTheSumOverValues) {
  Histogram histogram = laplace(1 << 16); // bins far finer than the step
  std::vector<float> x = golden<float>("stats_x").data;
  for (ValueRange range : {ValueRange{-3, 3}, ValueRange{-1, 6}, ValueRange{0, 4}}) {
    double scale = (static_cast<double>(range.max) - range.min) / 15, low = std::nearbyint(range.min / scale), sum = 0;
    for (double value : x) {
      double q = std::min(std::max(std::nearbyint(value / scale), low), low + 15);
      sum += (q * scale - value) * (q * scale - value);
    }
    EXPECT_NEAR(squaredQuantizationError(histogram, range, {16, false}), sum, 2e-3 * sum);
  }
}

TEST(Mse, AsymmetricRangesFollowTheData) {
  Histogram histogram;
  std::vector<float> relu = golden<float>("stats_x").data;
  for (float &value : relu)
    value = std::max(value, 0.0f);
  histogram.add(relu);
  ValueRange range = mseRange(histogram, {256, false});
  EXPECT_EQ(range.min, 0);
  EXPECT_LT(range.max, histogram.range().max);
  EXPECT_LE(squaredQuantizationError(histogram, range, {256, false}),
            squaredQuantizationError(histogram, histogram.range(), {256, false}));
}

TEST(Entropy, EqualsTheAlgorithmInNumpy) {
  Histogram histogram = laplace(512);
  auto expected = golden<double>("stats_kl").data;
  ASSERT_EQ(histogram.binWidth(), expected[1]);
  ValueRange range = entropyRange(histogram, {256, true});
  EXPECT_FLOAT_EQ(range.max, std::min<double>(expected[0], histogram.range().absMax()));
  EXPECT_EQ(range.min, -range.max);
}

TEST(Ranges, EmptyAndConstantHistograms) {
  Histogram empty, zeros;
  zeros.add(std::vector<float>(10, 0.0f));
  for (bool symmetric : {false, true}) {
    RangeTarget target{256, symmetric};
    EXPECT_TRUE(mseRange(empty, target).empty());
    EXPECT_TRUE(entropyRange(empty, target).empty());
    EXPECT_TRUE(percentileRange(empty, 99, target).empty());
    EXPECT_EQ(mseRange(zeros, target), (ValueRange{0, 0}));
    EXPECT_EQ(entropyRange(zeros, target), (ValueRange{0, 0}));
    EXPECT_EQ(percentileRange(zeros, 99, target).max, 0);
    Histogram constant;
    constant.add(std::vector<float>(10, 2.5f));
    EXPECT_NEAR(mseRange(constant, target).max, 2.5, 0.02);
    EXPECT_EQ(percentileRange(constant, 100, target).max, 2.5f);
    EXPECT_EQ(entropyRange(constant, target).max, 2.5f);
  }
}

} // namespace
