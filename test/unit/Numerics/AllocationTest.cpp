#include "qopt/Numerics/Quantizers/Allocation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

using namespace qopt;

namespace {

using Layers = std::vector<std::vector<Choice>>;

Layers randomLayers(std::mt19937 &random, int count) {
  std::uniform_real_distribution<double> unit(0.1, 1);
  Layers layers(count);
  for (auto &choices : layers) {
    double size = unit(random) * 10, sensitivity = unit(random);
    for (int bits : {2, 3, 4, 8})
      choices.push_back({size * bits, sensitivity * std::pow(4.0, -bits) * unit(random)});
  }
  return layers;
}

/// All assignments, by counting through them.
void forEachAssignment(const Layers &layers, const std::function<void(double cost, double noise)> &visit) {
  std::vector<size_t> picks(layers.size());
  for (;;) {
    double cost = 0, noise = 0;
    for (size_t i = 0; i < layers.size(); ++i)
      cost += layers[i][picks[i]].cost, noise += layers[i][picks[i]].noise;
    visit(cost, noise);
    size_t i = 0;
    while (i < layers.size() && ++picks[i] == layers[i].size())
      picks[i++] = 0;
    if (i == layers.size())
      return;
  }
}

double largestStep(const Layers &layers, double Choice::*what) {
  double most = 0;
  for (const auto &choices : layers)
    for (const Choice &a : choices)
      for (const Choice &b : choices)
        most = std::max(most, a.*what - b.*what);
  return most;
}

TEST(Allocation, LiesBetweenTheBoundAndTheBestOfAllAssignments) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    Layers layers = randomLayers(random, 6);
    auto corners = frontier(layers);
    ASSERT_TRUE(corners);
    double budget = corners->front().cost + (corners->back().cost - corners->front().cost) * (round % 10) / 9;
    budget *= 1 + 1e-9; // so that rounding does not shut the last corner out
    auto found = leastNoise(layers, budget);
    ASSERT_TRUE(found);
    double best = std::numeric_limits<double>::infinity();
    forEachAssignment(layers, [&](double cost, double noise) { best = cost <= budget ? std::min(best, noise) : best; });
    EXPECT_LE(found->cost, budget);
    EXPECT_LE(found->bound, best * (1 + 1e-12));
    EXPECT_GE(found->noise, best * (1 - 1e-12));
    EXPECT_LE(found->noise, found->bound + largestStep(layers, &Choice::noise));
  }
}

TEST(Allocation, LeastCostKeepsTheNoiseWithinItsLimit) {
  std::mt19937 random(4);
  for (int round = 0; round < 40; ++round) {
    Layers layers = randomLayers(random, 6);
    auto corners = frontier(layers);
    ASSERT_TRUE(corners);
    double limit = corners->front().noise * std::pow(corners->back().noise / corners->front().noise, (round % 10) / 9.0) * (1 + 1e-9);
    auto found = leastCost(layers, limit);
    ASSERT_TRUE(found);
    double best = std::numeric_limits<double>::infinity();
    forEachAssignment(layers, [&](double cost, double noise) { best = noise <= limit ? std::min(best, cost) : best; });
    EXPECT_LE(found->noise, limit);
    EXPECT_LE(found->bound, best * (1 + 1e-12));
    EXPECT_GE(found->cost, best * (1 - 1e-12));
    EXPECT_LE(found->cost, found->bound + largestStep(layers, &Choice::cost));
  }
}

/// What the best assignment has of `least`, with `bounded` within the limit.
double bestOf(const Layers &layers, double Choice::*bounded, double limit) {
  double best = std::numeric_limits<double>::infinity();
  forEachAssignment(layers, [&](double cost, double noise) {
    Choice total{cost, noise};
    double other = bounded == &Choice::cost ? noise : cost;
    best = total.*bounded <= limit ? std::min(best, other) : best;
  });
  return best;
}

TEST(Allocation, IsTheBestOfAllButForOnePartALayer) {
  std::mt19937 random(6);
  for (int round = 0; round < 40; ++round) {
    Layers layers = randomLayers(random, 5);
    auto corners = frontier(layers);
    ASSERT_TRUE(corners);
    double least = corners->front().cost, budget = least + (corners->back().cost - least) * (1 + round % 8) / 9;
    auto found = leastNoise(layers, budget);
    ASSERT_TRUE(found);
    EXPECT_LE(found->noise, bestOf(layers, &Choice::cost, budget - 5 * (budget - least) / 4096) * (1 + 1e-12));

    double quiet = corners->back().noise, limit = quiet + (corners->front().noise - quiet) / (1 << (1 + round % 8));
    auto cheap = leastCost(layers, limit);
    ASSERT_TRUE(cheap);
    EXPECT_LE(cheap->cost, bestOf(layers, &Choice::noise, limit - 5 * (limit - quiet) / 4096) * (1 + 1e-12));
  }
}

TEST(Allocation, CornersOfTheFrontierAreTheBestOfTheirCost) {
  std::mt19937 random(5);
  Layers layers = randomLayers(random, 5);
  auto corners = frontier(layers);
  ASSERT_TRUE(corners);
  for (const Choice &corner : *corners)
    forEachAssignment(layers, [&](double cost, double noise) {
      if (cost <= corner.cost * (1 - 1e-12))
        EXPECT_GE(noise, corner.noise * (1 - 1e-9));
    });
}

TEST(Allocation, NeverPicksWhatCostsMoreAndIsNoisier) {
  Layers layers = {{{10, 1}, {20, 2}, {30, 0.5}}};
  auto found = leastNoise(layers, 25);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->picks[0], 0);
}

TEST(Allocation, SaysWhatIsOutOfReach) {
  Layers layers = {{{10, 1}, {20, 0.5}}};
  EXPECT_EQ(leastNoise(layers, 5).error(),
            "the cheapest choices cost 10, more than the 5 that are allowed: allow more, or offer other choices");
  EXPECT_FALSE(leastCost(layers, 0.1));
  EXPECT_FALSE(frontier(Layers{{{1, std::nan("")}}}));
  EXPECT_FALSE(frontier(Layers{{}}));
}

} // namespace
