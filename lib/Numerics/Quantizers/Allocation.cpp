//===- Allocation.cpp - Which precision for which layer -------------------===//

#include "qopt/Numerics/Quantizers/Allocation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <utility>

namespace qopt {
namespace {

/// From one corner of a layer's hull to the next.
struct Step {
  int32_t layer, to;
  double cost, saved; ///< both positive
  double rate() const { return saved / cost; }
};

/// A layer's choices on the lower convex hull, from the cheapest to the least noisy.
std::vector<int32_t> hullOf(const std::vector<Choice> &choices) {
  std::vector<int32_t> order(choices.size()), hull;
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = static_cast<int32_t>(i);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const Choice &x = choices[a], &y = choices[b];
    return x.cost != y.cost ? x.cost < y.cost : x.noise != y.noise ? x.noise < y.noise : a < b;
  });
  for (int32_t next : order) {
    if (!hull.empty() && choices[next].noise >= choices[hull.back()].noise)
      continue; // costs more and saves nothing
    auto bendsUp = [&] {
      const Choice &a = choices[hull[hull.size() - 2]], &b = choices[hull.back()], &c = choices[next];
      return (a.noise - b.noise) * (c.cost - b.cost) <= (b.noise - c.noise) * (b.cost - a.cost);
    };
    while (hull.size() > 1 && bendsUp())
      hull.pop_back();
    hull.push_back(next);
  }
  return hull;
}

Choice totalOf(std::span<const std::vector<Choice>> layers, const std::vector<int32_t> &picks) {
  Choice total;
  for (size_t i = 0; i < layers.size(); ++i)
    total.cost += layers[i][picks[i]].cost, total.noise += layers[i][picks[i]].noise;
  return total;
}

/// The walk from the cheapest assignment to the least noisy one.
struct Walk {
  std::vector<int32_t> start; ///< by layer: its cheapest choice
  std::vector<Step> steps;    ///< by falling rate; a layer's steps stand in order, as its hull is convex
};

Result<Walk> walkOf(std::span<const std::vector<Choice>> layers) {
  Walk walk;
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto &choices = layers[i];
    for (const Choice &c : choices)
      if (!std::isfinite(c.cost) || !std::isfinite(c.noise) || c.cost < 0 || c.noise < 0)
        return Failure{"layer " + std::to_string(i) + " has a cost or noise that is negative or not finite"};
    if (choices.empty())
      return Failure{"layer " + std::to_string(i) + " has nothing to choose from"};
    std::vector<int32_t> hull = hullOf(choices);
    walk.start.push_back(hull[0]);
    for (size_t k = 1; k < hull.size(); ++k) {
      const Choice &from = choices[hull[k - 1]], &to = choices[hull[k]];
      walk.steps.push_back({static_cast<int32_t>(i), hull[k], to.cost - from.cost, from.noise - to.noise});
    }
  }
  // No two steps of a layer are of one rate: hulls leave out what lies on a line.
  std::sort(walk.steps.begin(), walk.steps.end(), [](const Step &a, const Step &b) {
    return a.rate() != b.rate() ? a.rate() > b.rate() : a.layer < b.layer;
  });
  return walk;
}

/// The least sum of `least` with that of `bounded` within `limit`, by dynamic programming: what the limit leaves beyond each layer's minimum is cut into
/// parts, and each choice takes up whole ones. Nothing where rounding up shuts all out, or no sum is finite.
std::vector<int32_t> solveInParts(std::span<const std::vector<Choice>> layers, double Choice::*bounded, double Choice::*least, double limit) {
  constexpr size_t kParts = 4096;
  std::vector<double> lowest;
  for (const auto &choices : layers)
    lowest.push_back(std::ranges::min(choices, {}, bounded).*bounded), limit -= lowest.back();
  if (!(limit > 0))
    return {};
  std::vector<double> best(kParts + 1, 0.0), next(kParts + 1);
  std::vector<int32_t> picks(layers.size() * (kParts + 1), -1); ///< by layer, and parts that it and those before it may take
  for (size_t i = 0; i < layers.size(); ++i) {
    std::fill(next.begin(), next.end(), std::numeric_limits<double>::infinity());
    for (size_t k = 0; k < layers[i].size(); ++k) {
      double share = std::ceil((layers[i][k].*bounded - lowest[i]) / limit * kParts);
      for (size_t parts = share <= kParts ? static_cast<size_t>(share) : kParts + 1; parts <= kParts; ++parts)
        if (double sum = best[parts - static_cast<size_t>(share)] + layers[i][k].*least; sum < next[parts])
          next[parts] = sum, picks[i * (kParts + 1) + parts] = static_cast<int32_t>(k);
    }
    best.swap(next);
  }
  std::vector<int32_t> result(layers.size());
  size_t parts = kParts;
  for (size_t i = layers.size(); i-- > 0;) {
    result[i] = picks[i * (kParts + 1) + parts];
    if (result[i] < 0)
      return {}; // No sum was a number.
    parts -= static_cast<size_t>(std::ceil((layers[i][result[i]].*bounded - lowest[i]) / limit * kParts));
  }
  return result;
}

/// Takes what solveInParts finds where it is better.
void takeBetter(std::span<const std::vector<Choice>> layers, Allocation &result, double Choice::*bounded, double Choice::*least, double limit) {
  std::vector<int32_t> picks = solveInParts(layers, bounded, least, limit);
  Choice total = picks.empty() ? Choice() : totalOf(layers, picks), present{result.cost, result.noise};
  if (!picks.empty() && total.*bounded <= limit && total.*least < present.*least)
    result.picks = std::move(picks), result.cost = total.cost, result.noise = total.noise;
}

/// Single changes of one layer that keep within the limits, the most useful first, until there are none.
template <typename Allowed, typename Gain>
void improve(std::span<const std::vector<Choice>> layers, Allocation &result, Allowed &&allowed, Gain &&gain) {
  for (bool changed = true; changed;) {
    changed = false;
    double best = 0;
    size_t layer = 0;
    int32_t pick = 0;
    for (size_t i = 0; i < layers.size(); ++i)
      for (size_t k = 0; k < layers[i].size(); ++k) {
        const Choice &from = layers[i][result.picks[i]], &to = layers[i][k];
        Choice after{result.cost - from.cost + to.cost, result.noise - from.noise + to.noise};
        if (double useful = gain(from, to); useful > best && allowed(after))
          best = useful, layer = i, pick = static_cast<int32_t>(k);
      }
    if (best > 0) {
      changed = true;
      result.picks[layer] = pick;
      Choice total = totalOf(layers, result.picks);
      result.cost = total.cost, result.noise = total.noise;
    }
  }
}

Failure outOfReach(const char *what, double best, double limit) {
  std::ostringstream message;
  message << what << ' ' << best << ", more than the " << limit << " that are allowed: allow more, or offer other choices";
  return {message.str()};
}

} // namespace

Result<Allocation> leastNoise(std::span<const std::vector<Choice>> layers, double budget) {
  auto walk = walkOf(layers);
  if (!walk)
    return walk.failure();
  Allocation result{walk->start};
  Choice at = totalOf(layers, result.picks);
  if (at.cost > budget)
    return outOfReach("the cheapest choices cost", at.cost, budget);
  for (const Step &step : walk->steps) {
    if (at.cost + step.cost > budget) {
      at.noise -= step.rate() * (budget - at.cost); // the fraction that fits
      break;
    }
    int32_t before = std::exchange(result.picks[step.layer], step.to);
    if (totalOf(layers, result.picks).cost > budget) { // by rounding alone
      result.picks[step.layer] = before;
      break;
    }
    at.cost += step.cost, at.noise -= step.saved;
  }
  Choice total = totalOf(layers, result.picks);
  result.cost = total.cost, result.noise = total.noise, result.bound = std::min(at.noise, total.noise);
  takeBetter(layers, result, &Choice::cost, &Choice::noise, budget);
  improve(layers, result, [&](const Choice &after) { return after.cost <= budget; },
          [](const Choice &from, const Choice &to) { return from.noise - to.noise; });
  return result;
}

Result<Allocation> leastCost(std::span<const std::vector<Choice>> layers, double limit) {
  auto walk = walkOf(layers);
  if (!walk)
    return walk.failure();
  Allocation result{walk->start};
  Choice at = totalOf(layers, result.picks);
  double bound = at.cost;
  for (const Step &step : walk->steps) {
    if (at.noise <= limit)
      break;
    bound = at.cost + std::min(1.0, (at.noise - limit) / step.saved) * step.cost;
    result.picks[step.layer] = step.to;
    at.cost += step.cost, at.noise -= step.saved;
  }
  Choice total = totalOf(layers, result.picks);
  if (total.noise > limit)
    return outOfReach("the least noisy choices have a noise of", total.noise, limit);
  result.cost = total.cost, result.noise = total.noise, result.bound = std::min(bound, total.cost);
  takeBetter(layers, result, &Choice::noise, &Choice::cost, limit);
  improve(layers, result, [&](const Choice &after) { return after.noise <= limit; },
          [](const Choice &from, const Choice &to) { return from.cost - to.cost; });
  return result;
}

Result<std::vector<Choice>> frontier(std::span<const std::vector<Choice>> layers) {
  auto walk = walkOf(layers);
  if (!walk)
    return walk.failure();
  std::vector<Choice> corners{totalOf(layers, walk->start)};
  for (const Step &step : walk->steps)
    corners.push_back({corners.back().cost + step.cost, std::max(corners.back().noise - step.saved, 0.0)});
  return corners;
}

} // namespace qopt
