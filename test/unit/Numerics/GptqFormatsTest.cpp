//===- GptqFormatsTest.cpp - GPTQ to float and table formats --------------===//

#include "Golden.h"
#include "qopt/Numerics/Quantizers/Gptq.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qopt;
using test::golden;

namespace {

class GptqToFormat : public ::testing::TestWithParam<const char *> {};

TEST_P(GptqToFormat, EqualsThePapersAlgorithmUnderTheSameScales) {
  std::string name = GetParam(), prefix = "gptqf_" + name;
  std::vector<float> weight = golden<float>("gptqf_w").data, quantized = weight;
  RowShape shape{golden<float>("gptqf_w").dim(0), golden<float>("gptqf_w").dim(1)};
  std::vector<double> hessian = golden<double>("gptqf_h").data, work = hessian;
  GridParams scales{golden<float>(prefix + "_scales").data, {}};
  GptqOptions options;
  options.groupSize = shape.cols / golden<float>(prefix + "_scales").dim(1);
  options.format = *parseFormat(name);
  options.fixed = &scales;
  auto result = gptq(quantized, shape, work, options);
  ASSERT_TRUE(result) << result.error();
  std::vector<double> expected = golden<double>(prefix + "_q").data;
  double loss = golden<double>(prefix + "_loss").data[0];
  // float32 against float64: a value beside a tie may fall to the other side, which moves the rest of its row.
  int64_t different = 0;
  for (size_t i = 0; i < quantized.size(); ++i)
    different += std::fabs(quantized[i] - expected[i]) > 1e-5;
  EXPECT_LT(different, static_cast<int64_t>(quantized.size() / 200));
  EXPECT_NEAR(hessianError(weight, quantized, shape, hessian), loss, 2e-3 * loss);
}

INSTANTIATE_TEST_SUITE_P(Cases, GptqToFormat, ::testing::Values("nf4", "f4e2m1fn", "f8e4m3fn"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace
