//===- AdamTest.cpp - Gradient descent with moments -----------------------===//

#include "Golden.h"
#include "qopt/Numerics/Quantizers/Adam.h"

#include <gtest/gtest.h>

using namespace qopt;
using test::golden;

namespace {

TEST(Adam, TakesTheStepsOfThePaper) {
  auto start = golden<float>("adam_x"), gradients = golden<float>("adam_gradients");
  auto expected = golden<double>("adam_steps");
  auto rates = golden<double>("adam_rates").data;
  size_t count = start.data.size();
  Adam adam(count);
  std::vector<float> x = start.data;
  for (size_t t = 0; t < rates.size(); ++t) {
    adam.step(x, std::span(gradients.data).subspan(t * count, count), rates[t]);
    for (size_t i = 0; i < count; ++i)
      ASSERT_NEAR(x[i], expected.data[t * count + i], 1e-6) << t << " " << i;
  }
}

TEST(Adam, FallsToTheLeastOfAParabola) {
  std::vector<float> x = {3, -2};
  Adam adam(2);
  for (int t = 0; t < 400; ++t) {
    std::vector<float> gradient = {2 * (x[0] - 1), 20 * (x[1] + 1)};
    adam.step(x, gradient, cosineRate(0.1, t, 400));
  }
  EXPECT_NEAR(x[0], 1, 1e-2);
  EXPECT_NEAR(x[1], -1, 1e-2);
}

TEST(CosineRate, BeginsWholeAndEndsNearZero) {
  EXPECT_DOUBLE_EQ(cosineRate(0.5, 0, 10), 0.5);
  EXPECT_DOUBLE_EQ(cosineRate(0.5, 5, 10), 0.25);
  EXPECT_LT(cosineRate(0.5, 9, 10), 0.02);
}

} // namespace
