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

TEST(Hadamard, PaleyMatricesAreHadamard) {
  for (int64_t order : {1, 4, 12, 20, 28, 36, 60, 76, 108, 124}) {
    std::vector<double> h = paleyMatrix(order);
    ASSERT_EQ(static_cast<int64_t>(h.size()), order * order) << order;
    for (int64_t i = 0; i < order; ++i)
      for (int64_t j = 0; j < order; ++j) {
        double dot = 0;
        for (int64_t k = 0; k < order; ++k)
          dot += h[i * order + k] * h[j * order + k];
        EXPECT_EQ(std::fabs(h[i * order + j]), 1) << order;
        EXPECT_EQ(dot, i == j ? order : 0) << order << ' ' << i << ' ' << j;
      }
  }
  for (int64_t order : {2, 3, 6, 40, 52, 92}) // 92 has one, which Paley does not give.
    EXPECT_TRUE(paleyMatrix(order).empty()) << order;
}

TEST(Hadamard, RotationsAreOrthogonalAndKeepTheProduct) {
  EXPECT_EQ(Rotation(4096, false, 0).describe(), "a Hadamard matrix of order 4096");
  EXPECT_EQ(Rotation(576, true, 0).describe(), "a Hadamard matrix with random signs of order 36 * 16");
  EXPECT_EQ(Rotation(36, false, 0).describe(), "a Hadamard matrix of order 36");
  EXPECT_EQ(Rotation(50, false, 0).describe(), "a random orthogonal matrix of order 50");
  EXPECT_EQ(randomSigns(96, 7), randomSigns(96, 7));
  EXPECT_NE(randomSigns(96, 7), randomSigns(96, 8));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int64_t n : {1, 2, 12, 50, 96, 576}) {
    Rotation rotation(n, true, 7);
    // Unit vectors give Q's rows: orthonormal.
    std::vector<float> q(n * n, 0.0f);
    for (int64_t i = 0; i < n; ++i)
      q[i * (n + 1)] = 1;
    rotation.apply(q, n, 1);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        double dot = 0;
        for (int64_t k = 0; k < n; ++k)
          dot += static_cast<double>(q[i * n + k]) * q[j * n + k];
        EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-6) << n;
      }
    // Along the middle dim, on threads, v becomes v Q by the plain sum.
    std::vector<float> x(2 * n * 19), turned;
    for (float &value : x)
      value = normal(random);
    turned = x;
    rotation.apply(turned, 2, 19, test::twoThreads);
    for (int64_t outer = 0; outer < 2; ++outer)
      for (int64_t inner = 0; inner < 19; inner += 6)
        for (int64_t to = 0; to < n; to += std::max<int64_t>(n / 5, 1)) {
          double sum = 0;
          for (int64_t from = 0; from < n; ++from)
            sum += static_cast<double>(x[(outer * n + from) * 19 + inner]) * q[from * n + to];
          EXPECT_NEAR(turned[(outer * n + to) * 19 + inner], sum, 2e-6) << n;
        }
  }
  std::vector<float> outlier(576, 0.01f);
  outlier[5] = 100;
  Rotation(576, true, 0).apply(outlier, 1, 1);
  EXPECT_LT(*std::max_element(outlier.begin(), outlier.end()), 5);
}

} // namespace
