#include "qopt/Calibration/Drift.h"

#include <gtest/gtest.h>

#include <random>

using namespace qopt;

namespace {

/// Two channels of normal values.
Statistics normalStatistics(double mean0, double mean1, double deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, deviation);
  std::vector<float> values(2 * 20000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(normal(random) + (i % 2 ? mean1 : mean0));
  Statistics statistics;
  statistics.modelHash = "m";
  statistics.samples = 1;
  statistics.sites.emplace_back(SiteInfo{"x", 1});
  statistics.sites[0].add(values, {20000, 2}, 0, 1);
  return statistics;
}

SiteDrift driftOf(const Statistics &a, const Statistics &b) {
  auto drifts = driftBetween(a, b);
  EXPECT_TRUE(static_cast<bool>(drifts));
  return drifts->front();
}

TEST(Drift, TwoDrawsOfOneDistributionDoNotDrift) {
  SiteDrift d = driftOf(normalStatistics(0, 1, 1, 1), normalStatistics(0, 1, 1, 2));
  EXPECT_LT(d.distance, 0.02);
  EXPECT_LT(d.shift, 0.05);
  EXPECT_FALSE(d.drifted());
}

TEST(Drift, ShiftIsTheMeansDistanceInDeviations) {
  // Channel means move by 3 and 4: sqrt(9 + 16) over sqrt(2 * 25).
  SiteDrift d = driftOf(normalStatistics(0, 0, 5, 1), normalStatistics(3, 4, 5, 2));
  EXPECT_NEAR(d.shift, 5 / std::sqrt(50.0), 0.02);
  EXPECT_TRUE(d.drifted());
}

TEST(Drift, DistanceIsThatOfTheNormals) {
  // The greatest difference of the cumulative shares of N(0, 1) and N(0, 4), at x = 1.3596: 0.1613.
  SiteDrift d = driftOf(normalStatistics(0, 0, 1, 1), normalStatistics(0, 0, 2, 2));
  EXPECT_NEAR(d.distance, 0.1613, 0.01);
}

TEST(Drift, DisjointValuesLieOutside) {
  SiteDrift d = driftOf(normalStatistics(0, 0, 0.01, 1), normalStatistics(9, 9, 0.01, 2));
  EXPECT_EQ(d.outside, 1);
  EXPECT_NEAR(d.distance, 1, 1e-12);
}

TEST(Drift, WhatCalibrationNeverReachedIsUncovered) {
  Statistics never;
  never.modelHash = "m";
  never.sites.emplace_back(SiteInfo{"x", 1});
  EXPECT_TRUE(driftOf(never, normalStatistics(0, 0, 1, 1)).uncovered);
}

TEST(Drift, RefusesStatisticsOfAnotherModel) {
  Statistics other;
  other.modelHash = "another";
  auto drifts = driftBetween(other, normalStatistics(0, 0, 1, 1));
  ASSERT_FALSE(static_cast<bool>(drifts));
  EXPECT_NE(llvm::toString(drifts.takeError()).find("different models"), std::string::npos);
}

} // namespace
