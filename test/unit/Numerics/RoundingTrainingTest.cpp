//===- RoundingTrainingTest.cpp - Roundings learned by gradient -----------===//

#include "Normal.h"
#include "qopt/Numerics/Quantizers/RoundingTraining.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace qopt;
using test::normalValues;

namespace {

constexpr IntRange kRange{-8, 7};

/// Rounded to nearest, with scales of several sizes and one zero point.
CodesToTrain nearest(std::span<const float> weight, BlockGrid grid, float zeroPoint) {
  CodesToTrain codes{std::move(grid), std::vector<float>(weight.size()), {}, {}, kRange};
  codes.scales.resize(codes.grid.scaleCount());
  codes.zeroPoints.assign(codes.scales.size(), zeroPoint);
  for (size_t i = 0; i < codes.scales.size(); ++i)
    codes.scales[i] = 0.3f + 0.05f * static_cast<float>(i % 5);
  codes.grid.forEachRun([&](const BlockGrid::Run &run) {
    for (int64_t i = 0; i < run.count; ++i) {
      float steps = weight[run.begin + i] / codes.scales[run.scale + i * run.scaleStride] + zeroPoint;
      codes.codes[run.begin + i] = std::clamp(std::nearbyint(steps), -8.0f, 7.0f);
    }
  });
  return codes;
}

std::vector<float> valuesOf(const RoundingTraining &training, size_t count) {
  std::vector<float> values(count);
  training.values(values);
  return values;
}

TEST(RoundingTraining, BeginsWithTheCodesThatItIsGiven) {
  for (float zero : {0.0f, 3.0f, 2.4f}) {
    auto weight = normalValues<std::mt19937_64>(7 * 37, 1);
    CodesToTrain start = nearest(weight, BlockGrid::perGroup({7, 37}, 1, 8), zero);
    start.codes[5] += start.codes[5] > 0 ? -1 : 1; // Another than the nearest, as GPTQ chooses.
    std::vector<float> expected(weight.size());
    start.grid.forEachRun([&](const BlockGrid::Run &run) {
      for (int64_t i = 0; i < run.count; ++i)
        expected[run.begin + i] = (start.codes[run.begin + i] - zero) * start.scales[run.scale + i * run.scaleStride];
    });
    RoundingTraining training(weight, start);
    EXPECT_EQ(valuesOf(training, weight.size()), expected);
    EXPECT_EQ(training.codes(), start.codes);
    EXPECT_EQ(training.scales(), start.scales);
    EXPECT_EQ(training.changedCodes(), 0);
  }
}

// What is nearly a tie turns with less slope than what is sure, and nothing leaves the neighbouring codes or the range.
TEST(RoundingTraining, ThoseNearATieTurnFirst) {
  std::vector<float> weight{2.45f, 2.1f, 6.6f, -3.0f};
  RoundingTraining training(weight, {BlockGrid::perTensor({4}), {2, 2, 7, -3}, {1.0f}, {}, kRange});
  std::vector<float> down(4, -1.0f); // The loss falls as values rise.
  training.step(down, 0.3, 0);
  EXPECT_EQ(training.codes(), (std::vector<float>{3, 2, 7, -3}));
  EXPECT_EQ(training.changedCodes(), 1);
  for (int i = 0; i < 20; ++i)
    training.step(down, 0.3, 0);
  EXPECT_EQ(training.codes(), (std::vector<float>{3, 3, 7, -2}));
}

TEST(RoundingTraining, RatesOfZeroLeaveThingsAsTheyAre) {
  auto weight = normalValues<std::mt19937_64>(64, 3), gradient = normalValues<std::mt19937_64>(64, 4);
  CodesToTrain start = nearest(weight, BlockGrid::perGroup({4, 16}, 1, 16), 0);
  RoundingTraining codesOnly(weight, start), scalesOnly(weight, start);
  for (int i = 0; i < 10; ++i) {
    codesOnly.step(gradient, 0.1, 0);
    scalesOnly.step(gradient, 0, 0.1);
  }
  EXPECT_EQ(codesOnly.scales(), start.scales);
  EXPECT_GT(codesOnly.changedCodes(), 0);
  EXPECT_EQ(scalesOnly.codes(), start.codes);
  EXPECT_NE(scalesOnly.scales(), start.scales);
}

TEST(RoundingTraining, StatesComeBack) {
  auto weight = normalValues<std::mt19937_64>(96, 5), gradient = normalValues<std::mt19937_64>(96, 6);
  RoundingTraining training(weight, nearest(weight, BlockGrid::perGroup({3, 32}, 1, 10), 1));
  training.step(gradient, 0.2, 0.01);
  auto state = training.state();
  auto values = valuesOf(training, weight.size());
  training.step(gradient, 0.2, 0.01);
  EXPECT_NE(valuesOf(training, weight.size()), values);
  training.restore(state);
  EXPECT_EQ(valuesOf(training, weight.size()), values);
}

/// Mean over rows of |(w' - w) x|^2 with correlated x; its gradient by w'.
struct Product {
  static constexpr int kRows = 6, kCols = 32, kSamples = 200;
  std::vector<float> w = normalValues<std::mt19937_64>(kRows * kCols, 7), x = normalValues<std::mt19937_64>(kSamples * kCols, 8);

  Product() {
    for (int s = 0; s < kSamples; ++s) // Neighbours go together.
      for (int k = 1; k < kCols; ++k)
        x[s * kCols + k] = 0.8f * x[s * kCols + k - 1] + 0.6f * x[s * kCols + k];
  }

  double loss(std::span<const float> now, std::vector<float> *gradient = nullptr) const {
    double sum = 0;
    std::vector<double> slopes(w.size());
    for (int s = 0; s < kSamples; ++s)
      for (int n = 0; n < kRows; ++n) {
        double error = 0;
        for (int k = 0; k < kCols; ++k)
          error += double(now[n * kCols + k] - w[n * kCols + k]) * x[s * kCols + k];
        sum += error * error;
        for (int k = 0; k < kCols; ++k)
          slopes[n * kCols + k] += 2 * error * x[s * kCols + k];
      }
    if (gradient)
      gradient->assign(slopes.begin(), slopes.end());
    return sum;
  }
};

// From rounding to nearest, training comes to far less loss; and more by both than by scales alone.
TEST(RoundingTraining, LessLossThanRoundingToNearest) {
  Product product;
  CodesToTrain start = nearest(product.w, BlockGrid::perGroup({Product::kRows, Product::kCols}, 1, 16), 0);
  auto trained = [&](double positionRate) {
    RoundingTraining training(product.w, start);
    double least = INFINITY;
    std::vector<float> gradient;
    for (int i = 0; i < 300; ++i) {
      least = std::min(least, product.loss(valuesOf(training, product.w.size()), &gradient));
      double left = 1 - i / 300.0;
      training.step(gradient, positionRate * left, 0.005 * left);
    }
    return least;
  };
  double before = product.loss(valuesOf(RoundingTraining(product.w, start), product.w.size()));
  double byScales = trained(0), byBoth = trained(0.02);
  EXPECT_LT(byScales, before);
  EXPECT_LT(byBoth, 0.5 * before);
  EXPECT_LT(byBoth, 0.6 * byScales);
}

} // namespace
