//===- AlgorithmsTest.cpp - AWQ, rounding refinement, HQQ, rotations ------===//

#include "Golden.h"
#include "Threads.h"
#include "qopt/Numerics/Quantizers/Awq.h"
#include "qopt/Numerics/Quantizers/Gptq.h"
#include "qopt/Numerics/Quantizers/Hadamard.h"
#include "qopt/Numerics/Quantizers/Rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace qopt;
using test::golden;

namespace {

struct Layer {
  std::vector<float> weight = golden<float>("awq_w").data;
  std::vector<double> hessian = golden<double>("awq_h").data;
  RowShape shape{48, 96};
  BlockGrid grid = BlockGrid::perGroup({48, 96}, 1, 32);

  double error(std::span<const float> quantized) const { return hessianError(weight, quantized, shape, hessian); }
};

TEST(Awq, FindsTheScalesThatNumpyFinds) {
  Layer layer;
  auto meanAbs = golden<float>("awq_mean_abs").data;
  auto scales = golden<double>("awq_scales").data, summary = golden<double>("awq_summary").data;
  AwqOptions options;
  options.groupSize = 32;
  auto found = awqScales(layer.weight, layer.shape, meanAbs, layer.hessian, options);
  auto threaded = awqScales(layer.weight, layer.shape, meanAbs, layer.hessian, options, test::twoThreads);
  ASSERT_TRUE(found && threaded);
  EXPECT_EQ(found->scales, threaded->scales);
  EXPECT_NEAR(found->errorBefore, summary[0], 1e-3 * summary[0]);
  EXPECT_NEAR(found->errorAfter, summary[1], 1e-3 * summary[1]);
  EXPECT_LT(found->errorAfter, 0.8 * found->errorBefore);
  EXPECT_DOUBLE_EQ(found->ratio, summary[2]);
  EXPECT_EQ(found->dividesByWeights, summary[3] == 1);
  for (size_t k = 0; k < scales.size(); ++k)
    EXPECT_NEAR(found->scales[k], scales[k], 1e-5 * scales[k]);
}

TEST(Awq, ClipBeatsPlainAndUnweightedClips) {
  Layer layer;
  AffineOptions affine{{-4, 3}, true};
  auto plain = paramsFromValues(layer.weight, layer.grid, affine);
  auto clipped = paramsByHessianClip(layer.weight, layer.shape, 32, layer.hessian, affine);
  auto threaded = paramsByHessianClip(layer.weight, layer.shape, 32, layer.hessian, affine, {0.5, 21}, test::twoThreads);
  ASSERT_TRUE(plain && clipped && threaded);
  EXPECT_EQ(clipped->scales, threaded->scales);
  std::vector<float> a(layer.weight.size()), b(a.size());
  fakeQuantize(layer.weight, layer.grid, *plain, affine.range, a);
  fakeQuantize(layer.weight, layer.grid, *clipped, affine.range, b);
  EXPECT_LT(layer.error(b), 0.9 * layer.error(a));
}

TEST(Hessian, CenteringAndScalingAreThoseOfTheData) {
  // Two samples (1, 2) and (3, 5): mean (2, 3.5), centred squares (1+1, 1.5*1+1.5, 2*1.5^2).
  std::vector<double> h = {10, 17, 17, 29};
  centerHessian(h, std::vector<float>{2, 3.5f}, 2);
  EXPECT_EQ(h, (std::vector<double>{2, 3, 3, 4.5}));
  scaleHessian(h, std::vector<float>{2, 0.5f});
  EXPECT_EQ(h, (std::vector<double>{0.5, 3, 3, 18}));
}

TEST(Refine, NeverGrowsAndEndsWhereNoSingleCodeHelps) {
  Layer layer;
  AffineOptions affine{{-8, 7}, true};
  GridParams params = *paramsFromValues(layer.weight, layer.grid, affine);
  for (bool floorOrCeil : {false, true}) {
    std::vector<float> rounded(layer.weight.size());
    fakeQuantize(layer.weight, layer.grid, params, affine.range, rounded);
    std::vector<float> refined = rounded, threaded = rounded;
    RefineOptions options{affine.range, 32, 30, 0, floorOrCeil};
    RefineResult result = refineRounding(layer.weight, refined, layer.shape, params, layer.hessian, options);
    refineRounding(layer.weight, threaded, layer.shape, params, layer.hessian, options, test::twoThreads);
    EXPECT_EQ(refined, threaded);
    EXPECT_LT(result.errorAfter, result.errorBefore);
    EXPECT_NEAR(result.errorAfter, layer.error(refined), 1e-3 * result.errorAfter);
    EXPECT_GT(result.changed, 0);
    double least = layer.error(refined);
    for (size_t i = 0; i < refined.size(); i += 41) {
      float scale = params.scales[i / 96 * 3 + i % 96 / 32], kept = refined[i];
      if (floorOrCeil)
        EXPECT_LT(std::fabs(kept - layer.weight[i]), scale * 1.0001f);
      for (float step : {-scale, scale}) {
        float moved = std::nearbyint((kept + step) / scale);
        bool allowed = moved >= -8 && moved <= 7 && (!floorOrCeil || std::fabs(moved * scale - layer.weight[i]) < scale);
        if (!allowed)
          continue;
        refined[i] = moved * scale;
        EXPECT_GT(layer.error(refined), least * (1 - 1e-5));
      }
      refined[i] = kept;
    }
  }
}

TEST(Refine, ImprovesOnGptq) {
  Layer layer;
  GptqOptions options;
  options.groupSize = 32;
  std::vector<float> quantized = layer.weight;
  std::vector<double> work = layer.hessian;
  auto result = gptq(quantized, layer.shape, work, options);
  ASSERT_TRUE(result);
  double before = layer.error(quantized);
  refineRounding(layer.weight, quantized, layer.shape, result->params, layer.hessian, {{-8, 7}, 32, 3, 0.0});
  EXPECT_LT(layer.error(quantized), before);
}

TEST(Hqq, EqualsNumpy) {
  Layer layer;
  auto found = hqq(layer.weight, layer.grid);
  ASSERT_TRUE(found);
  auto zero = golden<double>("awq_hqq_zero").data, error = golden<double>("awq_hqq_error").data;
  auto start = paramsFromValues(layer.weight, layer.grid, {{0, 15}, false});
  double sum = 0, plain = 0, expected = 0;
  for (size_t box = 0; box < zero.size(); ++box) {
    EXPECT_NEAR(found->zeroPoints[box], zero[box], 1e-3);
    expected += error[box];
    for (size_t i = box * 32; i < box * 32 + 32; ++i) {
      double scale = found->scales[box], z = found->zeroPoints[box];
      auto errorOf = [&](double at) {
        double q = std::min(std::max(std::nearbyint(layer.weight[i] / scale + at), 0.0), 15.0);
        return std::fabs(layer.weight[i] - (q - at) * scale) / 32;
      };
      sum += errorOf(z);
      plain += errorOf(start->zeroPoints[box]);
    }
  }
  EXPECT_NEAR(sum, expected, 1e-4 * expected);
  EXPECT_LT(sum, plain);
  EXPECT_FALSE(hqq(std::vector<float>{NAN}, BlockGrid::perTensor({1})));
}

TEST(Hadamard, RotationsAreOrthogonalAndKeepTheProduct) {
  EXPECT_EQ(hadamardBlock(96), 32);
  EXPECT_EQ(hadamardBlock(4096), 4096);
  Layer layer;
  std::vector<float> signs = randomSigns(96, 7), x(96 * 4);
  EXPECT_EQ(signs, randomSigns(96, 7));
  EXPECT_NE(signs, randomSigns(96, 8));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float &value : x)
    value = normal(random);
  x[5] = 100; // an outlier that the rotation spreads
  auto product = [&](std::span<const float> w, std::span<const float> v, int n) {
    double sum = 0;
    for (int k = 0; k < 96; ++k)
      sum += static_cast<double>(w[n * 96 + k]) * v[k];
    return sum;
  };
  std::vector<float> w = layer.weight, turned = x;
  rotateRows(w, layer.shape, signs, 32);
  rotateRows(turned, {4, 96}, signs, 32);
  for (int n = 0; n < 48; ++n)
    EXPECT_NEAR(product(w, turned, n), product(layer.weight, x, n), 1e-4);
  EXPECT_LT(std::fabs(*std::max_element(turned.begin(), turned.begin() + 96)), 30);
  rotateRowsBack(turned, {4, 96}, signs, 32);
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(turned[i], x[i], 2e-5);
  // Rotating a layer's outputs: columns of W seen as rows of its transpose.
  std::vector<float> flipped(96 * 48), columns = layer.weight, rowSigns = randomSigns(48, 3);
  for (int n = 0; n < 48; ++n)
    for (int k = 0; k < 96; ++k)
      flipped[k * 48 + n] = layer.weight[n * 96 + k];
  rotateRows(flipped, {96, 48}, rowSigns, 16);
  rotateColumns(columns, layer.shape, rowSigns, 16);
  for (int n = 0; n < 48; ++n)
    for (int k = 0; k < 96; ++k)
      ASSERT_EQ(columns[n * 96 + k], flipped[k * 48 + n]);
}

} // namespace
