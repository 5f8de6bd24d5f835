//===- StatsTest.cpp - Streaming statistics merge to the bit --------------===//

#include "Golden.h"
#include "Threads.h"
#include "qopt/Numerics/Stats/GramStats.h"
#include "qopt/Numerics/Stats/Histogram.h"
#include "qopt/Numerics/Stats/MovingRange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace qopt;
using test::golden;

namespace {

/// 64 rows of 24 values of very different sizes, signed zeros among them.
std::vector<float> wildValues(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> exponent(-40, 15);
  std::vector<float> values(64 * 24);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i % 97 == 0 ? -0.0f : std::ldexp(normal(random), exponent(random) / (i / 24 % 3 == 0 ? 1 : 8));
  return values;
}

/// Feeds the 64 rows whole, row by row in another order, and in three shards merged in another order; all must give the same
/// bytes, which must survive deserialization.
template <typename Stats, typename Add> void expectOrderDoesNotMatter(const Stats &empty, Add &&add) {
  std::vector<float> values = wildValues(11);
  std::span<const float> all(values);
  Stats whole = empty;
  add(whole, all);
  std::vector<uint8_t> expected = whole.serialize();

  std::vector<int> order(64);
  for (int i = 0; i < 64; ++i)
    order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(5));
  Stats byRow = empty, shards[3] = {empty, empty, empty};
  for (int row : order) {
    add(byRow, all.subspan(row * 24, 24));
    add(shards[row % 3], all.subspan(row * 24, 24));
  }
  EXPECT_EQ(byRow.serialize(), expected);
  ASSERT_TRUE(shards[2].merge(shards[0]));
  ASSERT_TRUE(shards[1].merge(shards[2]));
  EXPECT_EQ(shards[1].serialize(), expected);
  ASSERT_TRUE(shards[1].merge(empty));
  EXPECT_EQ(shards[1].serialize(), expected);

  auto back = Stats::deserialize(expected);
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->serialize(), expected);
  EXPECT_TRUE(*back == whole);
  for (size_t cut : {size_t{0}, size_t{3}, size_t{10}, expected.size() - 1})
    EXPECT_FALSE(Stats::deserialize(std::span(expected).first(cut))) << cut;
  expected.push_back(0);
  EXPECT_FALSE(Stats::deserialize(expected));
}

TEST(Stats, OrderShardsAndBatchesGiveTheSameBytes) {
  expectOrderDoesNotMatter(RangeStats(1), [](auto &stats, std::span<const float> x) { stats.add(x); });
  expectOrderDoesNotMatter(RangeStats(24), [](auto &stats, std::span<const float> x) { stats.add(x); });
  expectOrderDoesNotMatter(RangeStats(6), [](auto &stats, std::span<const float> x) { stats.add(x, 4); });
  expectOrderDoesNotMatter(MomentStats(24), [](auto &stats, std::span<const float> x) { stats.add(x); });
  expectOrderDoesNotMatter(MomentStats(3), [](auto &stats, std::span<const float> x) { stats.add(x, 8); });
  expectOrderDoesNotMatter(Histogram(), [](auto &stats, std::span<const float> x) { stats.add(x); });
  expectOrderDoesNotMatter(Histogram(16), [](auto &stats, std::span<const float> x) { stats.add(x); });
  expectOrderDoesNotMatter(GramStats(24), [](auto &stats, std::span<const float> x) { stats.add(x); });
}

TEST(RangeStats, ChannelsFollowTheLayout) {
  std::vector<float> x = {1, -2, 3, 4, -5, 6, NAN, 8, 9, INFINITY, 11, 12}; // [2, 3, 2]
  RangeStats stats(3);
  stats.add(x, 2);
  EXPECT_EQ(stats.channel(0), (ValueRange{-2, 8}));
  EXPECT_EQ(stats.channel(1), (ValueRange{3, 9}));
  EXPECT_EQ(stats.channel(2), (ValueRange{-5, 12}));
  EXPECT_EQ(stats.tensor(), (ValueRange{-5, 12}));
  EXPECT_EQ(stats.absMax(), (std::vector<float>{8, 9, 12}));
  EXPECT_EQ(stats.nonFiniteCount(), 2u);
  EXPECT_EQ(stats.valueCount(), 10u);
  EXPECT_FALSE(stats.merge(RangeStats(2)));
  EXPECT_TRUE(RangeStats(4).tensor().empty());
}

TEST(MomentStats, MeansAreExact) {
  std::vector<float> x = {1, 10, 2, -20, 4.5f, 30, 1e30f, NAN};
  MomentStats stats(2);
  stats.add(x);
  EXPECT_EQ(stats.mean(), (std::vector<float>{2.5f, 20.0f / 3}));
  EXPECT_EQ(stats.meanAbs(), (std::vector<float>{2.5f, 20}));
  EXPECT_EQ(stats.meanSquare(), (std::vector<float>{25.25f / 3, 1400.0f / 3}));
  EXPECT_EQ(stats.excludedCount(), 2u);
}

TEST(Histogram, CountsEqualThoseOfTheFinalWidth) {
  std::vector<float> values = wildValues(2);
  Histogram histogram(512);
  for (size_t i = 0; i < values.size(); i += 7)
    histogram.add(std::span(values).subspan(i, std::min<size_t>(7, values.size() - i)));
  std::vector<uint64_t> expected(512, 0);
  for (float value : values)
    ++expected[static_cast<int64_t>(std::floor(value / histogram.binWidth())) + 256];
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), histogram.binCounts().begin()));
  EXPECT_EQ(histogram.valueCount(), values.size());
  // The width is the least that fits.
  EXPECT_GT(histogram.range().absMax(), 128 * histogram.binWidth());
  auto magnitudes = histogram.magnitudeCounts();
  EXPECT_EQ(magnitudes[0], expected[255] + expected[256]);
  EXPECT_EQ(magnitudes[255], expected[0] + expected[511]);
}

TEST(Histogram, ExtremeValuesFit) {
  Histogram histogram;
  std::vector<float> x = {1e-45f, -1e-45f, 0, 3.4028235e38f, -3.4028235e38f, NAN, INFINITY};
  for (float &value : x)
    histogram.add({&value, 1});
  EXPECT_EQ(histogram.valueCount(), 5u);
  EXPECT_EQ(histogram.nonFiniteCount(), 2u);
  Histogram together;
  together.add(x);
  EXPECT_TRUE(histogram == together);
  EXPECT_FALSE(histogram.merge(Histogram(8)));
}

TEST(Histogram, NoMoreBinsThanAreWrittenAreRead) {
  EXPECT_TRUE(Histogram::deserialize(Histogram().serialize()));
  EXPECT_FALSE(Histogram::deserialize(Histogram(2 * Histogram::defaultBins).serialize()));
}

TEST(MovingRange, AveragesInTheOrderOfSamples) {
  std::vector<float> samples[4] = {{-1, 1}, {-2, 3}, {0, 10}, {-4, 4}};
  MovingRange whole, even, odd;
  for (int i : {2, 0, 3, 1}) {
    whole.add(i, samples[i]);
    (i % 2 ? odd : even).add(i, samples[i]);
  }
  double min = -1, max = 1;
  for (int i = 1; i < 4; ++i) {
    min = 0.9 * min + 0.1 * samples[i][0];
    max = 0.9 * max + 0.1 * samples[i][1];
  }
  EXPECT_FLOAT_EQ(whole.average(0.1).min, min);
  EXPECT_FLOAT_EQ(whole.average(0.1).max, max);
  ASSERT_TRUE(odd.merge(even));
  EXPECT_EQ(odd.serialize(), whole.serialize());
  auto back = MovingRange::deserialize(whole.serialize());
  ASSERT_TRUE(back);
  EXPECT_TRUE(*back == whole);
  Status twice = odd.merge(even);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error(), "sample 0 is in both statistics: a moving average needs shards that share no sample");
  EXPECT_TRUE(MovingRange().average().empty());
}

TEST(GramStats, EqualsNumpyAndAnyThreads) {
  auto rows = golden<float>("stats_rows");
  auto gram = golden<double>("stats_gram");
  int64_t width = rows.dim(1);
  GramStats one(width), two(width);
  one.add(rows.data);
  two.add(rows.data, test::twoThreads);
  EXPECT_EQ(one.serialize(), two.serialize());
  EXPECT_EQ(one.rowCount(), 300u);
  std::vector<double> h(width * width);
  one.dense(h);
  // A row's grid is at most 2^-20 of its greatest magnitude m, so that rounding moves a value by 2^-21 m, a product by 2^-20 m^2.
  double bound = 0, difference = 0, size = 0;
  for (int64_t row = 0; row < 300; ++row) {
    double greatest = 0;
    for (int64_t k = 0; k < width; ++k)
      greatest = std::max<double>(greatest, std::fabs(rows.data[row * width + k]));
    bound += greatest * greatest * 0x1.001p-20;
  }
  for (size_t i = 0; i < h.size(); ++i) {
    ASSERT_NEAR(h[i], gram.data[i], bound);
    difference += (h[i] - gram.data[i]) * (h[i] - gram.data[i]);
    size += gram.data[i] * gram.data[i];
  }
  EXPECT_LT(std::sqrt(difference / size), 0x1p-20); // the sum stays within the relative step of its rows
}

TEST(GramStats, IntegersAreExactAndBadRowsLeftOut) {
  std::vector<float> x = {1, 2, 3, -4, NAN, 1, 0, 0, 5, INFINITY, 1e7f, 0, 0.5f, 0.25f};
  GramStats stats(2);
  stats.add(x);
  EXPECT_EQ(stats.rowCount(), 4u);
  EXPECT_EQ(stats.excludedCount(), 3u);
  std::vector<double> h(4);
  stats.dense(h);
  EXPECT_EQ(h, (std::vector<double>{1 + 9 + 0.25, 2 - 12 + 0.125, 2 - 12 + 0.125, 4 + 16 + 0.0625}));
}

TEST(GramStats, ManyRowsOfOneGridStayExact) {
  std::vector<float> x(3000, 0.99999994f); // all rows have the greatest integers
  GramStats stats(1);
  stats.add(x);
  std::vector<double> h(1);
  stats.dense(h);
  EXPECT_EQ(h[0], 3000.0); // 1 - 2^-24 rounds to 2^22 grid steps
}

} // namespace
