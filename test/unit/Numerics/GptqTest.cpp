//===- GptqTest.cpp - Against the paper's algorithm in numpy --------------===//

#include "Golden.h"
#include "Threads.h"
#include "qopt/Numerics/LinAlg/LinAlg.h"
#include "qopt/Numerics/Quantizers/Gptq.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace qopt;
using test::golden;

namespace {

struct Problem {
  std::vector<float> weight = golden<float>("gptq_w").data;
  std::vector<double> hessian = golden<double>("gptq_h").data;
  RowShape shape{golden<float>("gptq_w").dim(0), golden<float>("gptq_w").dim(1)};
};

GptqOptions optionsOf(const std::string &name) {
  GptqOptions options;
  bool asymmetric = name == "g128asym" || name == "g24" || name == "dynamic";
  options.affine = asymmetric ? AffineOptions{{0, 15}, false} : AffineOptions{{-8, 7}, true};
  options.groupSize = name == "row" ? 0 : name == "g128asym" ? 128 : name == "g24" ? 24 : 64;
  options.actOrder = name == "static" ? ActOrder::Static : name == "dynamic" ? ActOrder::Dynamic : ActOrder::None;
  return options;
}

class Gptq : public ::testing::TestWithParam<const char *> {};

TEST_P(Gptq, EqualsThePapersAlgorithm) {
  Problem problem;
  std::vector<float> quantized = problem.weight;
  std::vector<double> work = problem.hessian;
  auto result = gptq(quantized, problem.shape, work, optionsOf(GetParam()));
  ASSERT_TRUE(result) << result.error();
  auto expected = golden<double>(std::string("gptq_") + GetParam() + "_q").data;
  double loss = golden<double>(std::string("gptq_") + GetParam() + "_loss").data[0];
  // float32 against float64: a value beside a tie may fall to the other side, which moves the rest of its row.
  int64_t different = 0;
  for (size_t i = 0; i < quantized.size(); ++i)
    different += std::fabs(quantized[i] - expected[i]) > 1e-4;
  EXPECT_LT(different, static_cast<int64_t>(quantized.size() / 200)) << GetParam();
  EXPECT_NEAR(hessianError(problem.weight, quantized, problem.shape, problem.hessian), loss, 2e-3 * loss);
  EXPECT_EQ(result->deadColumns, 1);
  EXPECT_EQ(result->dampeningTries, 1);
  EXPECT_GT(result->error, loss);
}

TEST_P(Gptq, BeatsRoundingAndDoesNotDependOnThreads) {
  Problem problem;
  GptqOptions options = optionsOf(GetParam());
  std::vector<float> one = problem.weight, two = problem.weight, rounded(one.size());
  std::vector<double> work = problem.hessian, workToo = problem.hessian;
  auto result = gptq(one, problem.shape, work, options);
  auto threaded = gptq(two, problem.shape, workToo, options, test::twoThreads);
  ASSERT_TRUE(result && threaded);
  EXPECT_EQ(one, two);
  EXPECT_EQ(result->params.scales, threaded->params.scales);
  EXPECT_EQ(result->error, threaded->error);
  int64_t group = options.groupSize ? options.groupSize : problem.shape.cols;
  BlockGrid grid = BlockGrid::perGroup({problem.shape.rows, problem.shape.cols}, 1, group);
  auto params = paramsFromValues(problem.weight, grid, options.affine);
  fakeQuantize(problem.weight, grid, *params, options.affine.range, rounded);
  EXPECT_LT(hessianError(problem.weight, one, problem.shape, problem.hessian),
            0.6 * hessianError(problem.weight, rounded, problem.shape, problem.hessian));
}

TEST_P(Gptq, ReturnedScalesGiveTheCodesBack) {
  Problem problem;
  GptqOptions options = optionsOf(GetParam());
  std::vector<float> quantized = problem.weight;
  std::vector<double> work = problem.hessian;
  auto result = gptq(quantized, problem.shape, work, options);
  ASSERT_TRUE(result);
  int64_t group = options.groupSize ? options.groupSize : problem.shape.cols;
  int64_t groups = (problem.shape.cols + group - 1) / group;
  for (int64_t n = 0; n < problem.shape.rows; ++n)
    for (int64_t k = 0; k < problem.shape.cols; ++k) {
      int64_t box = n * groups + (result->groupOfColumn.empty() ? k / group : result->groupOfColumn[k]);
      float value = quantized[n * problem.shape.cols + k], back;
      int8_t code;
      quantize<int8_t>({&value, 1}, result->params.scales[box], result->params.zeroPoints[box], options.affine.range, {&code, 1});
      dequantize<int8_t>({&code, 1}, result->params.scales[box], result->params.zeroPoints[box], {&back, 1});
      ASSERT_EQ(back, value);
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, Gptq, ::testing::Values("row", "g64", "g128asym", "g24", "static", "dynamic"),
                         [](const auto &info) { return std::string(info.param); });

TEST(GptqLadder, OneSampleNeedsDampeningAndSaysHowMuch) {
  int64_t k = 300; // more than a block of the factorization
  std::vector<float> weight(4 * k), x(k);
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (float &value : weight)
    value = normal(random);
  for (float &value : x)
    value = normal(random);
  std::vector<double> h(k * k);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j)
      h[i * k + j] = static_cast<double>(x[i]) * x[j] * (i == j ? 0.98 : 1); // slightly indefinite
  GptqOptions options;
  options.dampening = 1e-3;
  std::vector<float> quantized = weight;
  std::vector<double> work = h;
  auto result = gptq(quantized, {4, k}, work, options);
  ASSERT_TRUE(result) << result.error();
  EXPECT_GT(result->dampeningTries, 1);
  EXPECT_NEAR(result->dampening, 1e-3 * std::pow(10, result->dampeningTries - 1), 1e-9);
  // The same as starting where the ladder ended: nothing of the failed tries is left.
  options.dampening = result->dampening;
  std::vector<float> direct = weight;
  work = h;
  ASSERT_TRUE(gptq(direct, {4, k}, work, options));
  EXPECT_EQ(direct, quantized);
  options.dampening = 1e-9;
  options.dampeningTries = 2;
  work = h;
  auto failed = gptq(quantized, {4, k}, work, options);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().find("not positive definite"), std::string::npos);
}

TEST(GptqRequests, AreCheckedBeforeWork) {
  std::vector<float> weight(8, NAN);
  std::vector<double> h(16, 0);
  EXPECT_FALSE(gptq(weight, {2, 4}, h, {}));
  weight.assign(8, 1);
  GptqOptions options;
  options.format = Format::F4E2M1FN;
  EXPECT_FALSE(gptq(weight, {2, 4}, h, options));
  GridParams fixed{{1, 1, 1}, {}};
  options.fixed = &fixed;
  EXPECT_FALSE(gptq(weight, {2, 4}, h, options));
  h[0] = NAN;
  EXPECT_FALSE(gptq(weight, {2, 4}, h, {}));
}

TEST(GptqFormats, FollowFixedScales) {
  Problem problem;
  BlockGrid grid = BlockGrid::perGroup({problem.shape.rows, problem.shape.cols}, 1, 32);
  GridParams fixed = *paramsFromValues(problem.weight, grid, {{-6, 6}, true}); // F4's greatest value is 6
  GptqOptions options;
  options.groupSize = 32;
  options.fixed = &fixed;
  options.format = Format::F4E2M1FN;
  std::vector<float> quantized = problem.weight;
  std::vector<double> work = problem.hessian;
  ASSERT_TRUE(gptq(quantized, problem.shape, work, options));
  std::vector<uint8_t> codes(quantized.size());
  std::vector<float> back(quantized.size()), rounded(quantized.size());
  quantizeCodes(Format::F4E2M1FN, quantized, grid, fixed.scales, codes);
  dequantizeCodes(Format::F4E2M1FN, codes, grid, fixed.scales, back);
  EXPECT_EQ(back, quantized);
  quantizeCodes(Format::F4E2M1FN, problem.weight, grid, fixed.scales, codes);
  dequantizeCodes(Format::F4E2M1FN, codes, grid, fixed.scales, rounded);
  EXPECT_LT(hessianError(problem.weight, quantized, problem.shape, problem.hessian),
            0.7 * hessianError(problem.weight, rounded, problem.shape, problem.hessian));
}

TEST(Cholesky, FactorsAcrossBlocks) {
  int64_t n = 600;
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  std::vector<double> b(n * n), a(n * n);
  for (double &value : b)
    value = normal(random);
  linalg::multiply<double>(1, {b.data(), n, n, n}, linalg::Transpose::No, {b.data(), n, n, n}, linalg::Transpose::Yes, 0,
                           {a.data(), n, n, n});
  for (int64_t i = 0; i < n; ++i)
    a[i * (n + 1)] += 1;
  std::vector<double> factor = a, threaded = a;
  ASSERT_TRUE(linalg::cholesky(factor, n));
  ASSERT_TRUE(linalg::cholesky(threaded, n, test::twoThreads));
  EXPECT_EQ(factor, threaded);
  for (int64_t i = 0; i < n; i += 37)
    for (int64_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (int64_t k = 0; k <= j; ++k)
        sum += factor[i * n + k] * factor[j * n + k];
      ASSERT_NEAR(sum, a[i * n + j], 1e-9 * n);
      if (j < i)
        ASSERT_EQ(factor[j * n + i], a[j * n + i]); // upper triangle untouched
    }
}

TEST(Svd, Reconstructs) {
  for (auto [rows, cols] : {std::pair<int64_t, int64_t>{5, 9}, {9, 5}}) {
    std::vector<float> a(rows * cols);
    for (size_t i = 0; i < a.size(); ++i)
      a[i] = std::sin(static_cast<float>(i * i));
    linalg::Svd svd;
    ASSERT_TRUE(linalg::svd(a, rows, cols, svd));
    int64_t rank = static_cast<int64_t>(svd.s.size());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) {
        float sum = 0;
        for (int64_t i = 0; i < rank; ++i)
          sum += svd.u[r * rank + i] * svd.s[i] * svd.vt[i * cols + c];
        EXPECT_NEAR(sum, a[r * cols + c], 1e-5);
      }
  }
}

} // namespace
