//===- RefitTest.cpp - Scales refitted, input errors absorbed, Hessians shrunk ===//

#include "Golden.h"
#include "Threads.h"
#include "qopt/Numerics/Quantizers/Gptq.h"
#include "qopt/Numerics/Quantizers/InputErrors.h"
#include "qopt/Numerics/Quantizers/Rounding.h"
#include "qopt/Numerics/Stats/InputStats.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qopt;
using test::golden;

namespace {

constexpr int64_t rows = 40, cols = 80, groupSize = 32, groups = 3; // the last group is partial

struct Layer {
  std::vector<float> weight = golden<float>("refit_w").data, codes = golden<float>("refit_codes").data;
  std::vector<double> hessian = golden<double>("refit_h").data;
  GridParams params{golden<float>("refit_start").data, std::vector<float>(rows * groups, 0)};
  RowShape shape{rows, cols};

  float &scale(int64_t row, int64_t k) { return params.scales[row * groups + k / groupSize]; }
  std::vector<float> quantized() {
    std::vector<float> values(codes.size());
    for (size_t i = 0; i < codes.size(); ++i)
      values[i] = codes[i] * scale(i / cols, i % cols);
    return values;
  }
};

TEST(Refit, FindsTheScalesThatLeastSquaresFind) {
  Layer layer, threaded;
  std::vector<float> q = layer.quantized(), q2 = q;
  double before = hessianError(layer.weight, q, layer.shape, layer.hessian);
  EXPECT_EQ(refitScales(layer.weight, q, layer.shape, layer.params, layer.hessian, groupSize, 0), rows);
  refitScales(layer.weight, q2, layer.shape, threaded.params, layer.hessian, groupSize, 0, Refit::Scales, test::twoThreads);
  EXPECT_EQ(layer.params.scales, threaded.params.scales);
  EXPECT_EQ(q, q2);
  EXPECT_EQ(q, layer.quantized()); // the codes are as they were
  auto expected = golden<double>("refit_scales").data;
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(layer.params.scales[i], expected[i], 2e-4 * std::fabs(expected[i]));
  EXPECT_LT(hessianError(layer.weight, q, layer.shape, layer.hessian), 0.99 * before);
}

TEST(Refit, FindsTheZeroPointsThatLeastSquaresFind) {
  Layer layer, scalesAlone;
  std::vector<float> q = layer.quantized(), q2 = q;
  EXPECT_EQ(refitScales(layer.weight, q, layer.shape, layer.params, layer.hessian, groupSize, 0, Refit::ScalesAndZeros), rows);
  refitScales(layer.weight, q2, layer.shape, scalesAlone.params, layer.hessian, groupSize, 0);
  auto expected = golden<double>("refit_offsets").data; // [rows, scales then offsets]
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t g = 0; g < groups; ++g) {
      double scale = expected[r * 2 * groups + g], offset = expected[r * 2 * groups + groups + g];
      EXPECT_NEAR(layer.params.scales[r * groups + g], scale, 5e-4 * std::fabs(scale));
      EXPECT_NEAR(-layer.params.zeroPoints[r * groups + g] * layer.params.scales[r * groups + g], offset, 5e-4 * scale + 2e-3 * std::fabs(offset));
    }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t k = 0; k < cols; ++k) { // the codes are as they were
      int64_t box = r * groups + k / groupSize;
      EXPECT_FLOAT_EQ(q[r * cols + k], (layer.codes[r * cols + k] - layer.params.zeroPoints[box]) * layer.params.scales[box]);
    }
  EXPECT_LT(hessianError(layer.weight, q, layer.shape, layer.hessian), 0.99 * hessianError(layer.weight, q2, layer.shape, layer.hessian));
  // A second time nothing is left to gain, from zero points that are no longer whole.
  std::vector<float> again = q, zeros = layer.params.zeroPoints;
  refitScales(layer.weight, again, layer.shape, layer.params, layer.hessian, groupSize, 0, Refit::ScalesAndZeros);
  for (size_t i = 0; i < zeros.size(); ++i)
    EXPECT_NEAR(layer.params.zeroPoints[i], zeros[i], 1e-3 + 1e-3 * std::fabs(zeros[i]));
}

TEST(Refit, LeavesRowsAloneWhoseCodesDoNotFit) {
  Layer layer;
  for (int64_t k = 0; k < groupSize; ++k)
    layer.codes[k] = -layer.codes[k]; // the first group of row 0: its best scale is negative
  for (int64_t k = 0; k < groupSize; ++k)
    layer.codes[cols + k] = 0; // row 1's first group: any scale fits
  std::vector<float> start = layer.params.scales, q = layer.quantized();
  EXPECT_EQ(refitScales(layer.weight, q, layer.shape, layer.params, layer.hessian, groupSize, 0), rows - 1);
  for (int64_t g = 0; g < groups; ++g)
    EXPECT_EQ(layer.params.scales[g], start[g]);
  EXPECT_FLOAT_EQ(layer.params.scales[groups], start[groups]);
  EXPECT_NE(layer.params.scales[groups + 1], start[groups + 1]);
}

TEST(Refit, OfAHessianOfZerosDoesNothing) {
  Layer layer;
  std::vector<double> nothing(cols * cols, 0.0);
  std::vector<float> q = layer.quantized(), before = q;
  EXPECT_EQ(refitScales(layer.weight, q, layer.shape, layer.params, nothing, groupSize, 0.01), 0);
  EXPECT_EQ(q, before);
}

TEST(InputErrors, AreAbsorbedAsLeastSquaresAbsorbThem) {
  Layer layer;
  auto errors = golden<double>("refit_errors").data, expected = golden<double>("refit_followed").data;
  std::vector<float> followed = layer.weight, threaded = layer.weight;
  ASSERT_TRUE(absorbInputErrors(followed, layer.shape, layer.hessian, errors, 0.01));
  ASSERT_TRUE(absorbInputErrors(threaded, layer.shape, layer.hessian, errors, 0.01, test::twoThreads));
  EXPECT_EQ(followed, threaded);
  double moved = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(followed[i], expected[i], 1e-6);
    moved = std::max(moved, std::fabs(static_cast<double>(followed[i]) - layer.weight[i]));
  }
  EXPECT_GT(moved, 0.01);
}

TEST(InputErrors, NeedAPositiveDefiniteHessian) {
  Layer layer;
  std::vector<double> errors(cols * cols, 1.0), nothing(cols * cols, 0.0);
  EXPECT_FALSE(absorbInputErrors(layer.weight, layer.shape, nothing, errors, 0.01));
}

TEST(InputErrors, OfNoErrorChangeNothing) {
  Layer layer;
  std::vector<float> before = layer.weight;
  ASSERT_TRUE(absorbInputErrors(layer.weight, layer.shape, layer.hessian, std::vector<double>(cols * cols, 0.0), 0.01));
  EXPECT_EQ(layer.weight, before);
}

TEST(Shrinkage, TakesFromTheOffDiagonalAlone) {
  std::vector<double> h = {4, 2, 2, 8};
  shrinkToDiagonal(h, 2, 0.25);
  EXPECT_EQ(h, (std::vector<double>{4, 1.5, 1.5, 8}));
}

TEST(PairedInputs, HoldHessianAndErrors) {
  InputStats stats(2, true);
  stats.addPairs(std::vector<float>{1, 2, 3, 4}, std::vector<float>{1.5, 2, 3, 5});
  std::vector<double> h, errors;
  stats.dense(h, errors);
  EXPECT_EQ(h, (std::vector<double>{10, 14, 14, 20}));
  EXPECT_EQ(errors, (std::vector<double>{0.5, 1, 3, 4})); // (0.5, 0) (1, 2)^T + (0, 1) (3, 4)^T, rows along x_f
  EXPECT_EQ(stats.columns(), 2);
  InputStats plain(2);
  plain.add(std::vector<float>{1, 2});
  errors.clear();
  plain.dense(h, errors);
  EXPECT_EQ(h, (std::vector<double>{1, 2, 2, 4}));
  EXPECT_TRUE(errors.empty());
}

} // namespace
