//===- MetricsTest.cpp - Against numpy ------------------------------------===//

#include "Golden.h"
#include "qopt/Numerics/Metrics/Metrics.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qopt;
using test::golden;

namespace {

TEST(Metrics, EqualNumpyInPieces) {
  auto reference = golden<float>("metrics_reference").data, test = golden<float>("metrics_test").data;
  auto targets = golden<int64_t>("metrics_targets").data;
  auto values = golden<double>("metrics_values").data;
  SignalNoise noise;
  Perplexity perplexity;
  LogitDivergence divergence;
  TopOne accuracy, agreement;
  for (int64_t row = 0; row < 40; row += 8) {
    auto r = std::span<const float>(reference).subspan(row * 25, 200), t = std::span<const float>(test).subspan(row * 25, 200);
    auto labels = std::span<const int64_t>(targets).subspan(row, 8);
    noise.add(r, t);
    perplexity.add(t, 25, labels);
    divergence.add(r, t, 25);
    accuracy.add(t, 25, labels);
    agreement.addAgreement(r, t, 25);
  }
  EXPECT_NEAR(noise.sqnr(), values[0], 1e-9);
  EXPECT_NEAR(noise.cosine(), values[1], 1e-12);
  EXPECT_EQ(noise.maxAbsError(), values[2]);
  EXPECT_NEAR(noise.meanAbsError(), values[3], 1e-12);
  EXPECT_NEAR(perplexity.value(), values[4], 1e-9 * values[4]);
  EXPECT_NEAR(divergence.value(), values[5], 1e-9);
  EXPECT_EQ(accuracy.value(), values[6]);
  EXPECT_EQ(agreement.value(), values[7]);
}

TEST(Metrics, EdgesAreDefined) {
  SignalNoise same, silent, broken;
  same.add(std::vector<float>{1, 2}, std::vector<float>{1, 2});
  EXPECT_EQ(same.sqnr(), INFINITY);
  EXPECT_NEAR(same.cosine(), 1, 1e-15);
  silent.add(std::vector<float>{0, 0}, std::vector<float>{1, 0});
  EXPECT_EQ(silent.sqnr(), -INFINITY);
  EXPECT_EQ(silent.cosine(), 0);
  broken.add(std::vector<float>{1, 2}, std::vector<float>{NAN, 2});
  EXPECT_TRUE(std::isnan(broken.sqnr()));
  EXPECT_EQ(broken.nonFiniteCount(), 1);
  Perplexity far; // logits that would overflow exp
  far.add(std::vector<float>{1000, 999, -1000, 0}, 2, std::vector<int64_t>{0, 7});
  EXPECT_EQ(far.tokenCount(), 1);
  EXPECT_NEAR(far.meanLoss(), std::log1p(std::exp(-1.0)), 1e-12);
  EXPECT_EQ(SignalNoise().cosine(), 1);
}

} // namespace
