//===- Ranges.cpp - Clipping ranges from a histogram ----------------------===//

#include "qopt/Numerics/Stats/Ranges.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace qopt {
namespace {

ValueRange symmetricRange(double top) { return {static_cast<float>(-top), static_cast<float>(top)}; }

/// [-top, top] within the extremes, or all of it where symmetric.
ValueRange magnitudeRange(double top, const Histogram &histogram, const RangeTarget &target) {
  if (target.symmetric)
    return symmetricRange(top);
  ValueRange extremes = histogram.range();
  return {std::max(extremes.min, static_cast<float>(-top)), std::min(extremes.max, static_cast<float>(top))};
}

/// Integral of (u - round(u))^2 du up to `t`, less a constant, where round stays within [low, high].
double squaredRoundingIntegral(double t, double low, double high) {
  double nearest = std::clamp(std::floor(t + 0.5), low, high);
  double rest = t - nearest;
  return nearest / 12 + rest * rest * rest / 3;
}

/// Index of the first bin, counted from one end, where the count of values up to and with it exceeds `limit`.
template <typename Iterator> int64_t firstBeyond(Iterator begin, Iterator end, double limit) {
  double seen = 0;
  int64_t index = 0;
  for (Iterator it = begin; it != end; ++it, ++index)
    if ((seen += static_cast<double>(*it)) > limit)
      return index;
  return index;
}

/// The argument in [least, greatest] of least cost: an even grid of 256, then 32 steps about its best. Ties: the greatest.
double gridMinimum(double least, double greatest, const std::function<double(double)> &cost) {
  constexpr int coarse = 256, fine = 32;
  double best = greatest, bestCost = cost(greatest);
  auto probe = [&](double at) {
    double value = cost(at);
    if (value < bestCost) {
      best = at;
      bestCost = value;
    }
  };
  double step = (greatest - least) / coarse;
  for (int i = coarse - 1; i >= 0; --i)
    probe(least + step * i);
  double center = best;
  for (int i = fine; i >= -fine; --i)
    if (double at = center + step * i / fine; i != 0 && at >= least && at <= greatest)
      probe(at);
  return best;
}

} // namespace

ValueRange percentileRange(const Histogram &histogram, double percent, const RangeTarget &target) {
  ValueRange extremes = histogram.range();
  if (extremes.empty())
    return extremes;
  double outside = static_cast<double>(histogram.valueCount()) * (1 - std::clamp(percent, 0.0, 100.0) / 100);
  if (target.symmetric) {
    std::vector<uint64_t> counts = histogram.magnitudeCounts();
    int64_t cut = firstBeyond(counts.rbegin(), counts.rend(), outside);
    double top = static_cast<double>(static_cast<int64_t>(counts.size()) - cut) * histogram.binWidth();
    return symmetricRange(std::min<double>(top, extremes.absMax()));
  }
  std::span<const uint64_t> counts = histogram.binCounts();
  int64_t low = firstBeyond(counts.begin(), counts.end(), outside / 2);
  int64_t high = histogram.bins() - firstBeyond(counts.rbegin(), counts.rend(), outside / 2);
  return {std::max(extremes.min, static_cast<float>(histogram.edge(low))),
          std::min(extremes.max, static_cast<float>(histogram.edge(high)))};
}

double squaredQuantizationError(const Histogram &histogram, ValueRange range, const RangeTarget &target) {
  double min = std::min<double>(range.min, 0), max = std::max<double>(range.max, 0);
  double scale, low, high;
  if (target.symmetric) {
    high = (target.levels - 1) / 2;
    low = high + 1 - target.levels;
    scale = std::max(-min, max) / high;
  } else {
    scale = (max - min) / (target.levels - 1);
    low = scale > 0 ? std::nearbyint(min / scale) : 0;
    high = low + target.levels - 1;
  }
  std::span<const uint64_t> counts = histogram.binCounts();
  double sum = 0;
  for (int64_t i = 0; i < histogram.bins(); ++i) {
    if (!counts[i])
      continue;
    double from = histogram.edge(i), to = histogram.edge(i + 1);
    if (!(scale > 0)) { // everything becomes zero
      sum += static_cast<double>(counts[i]) * (to * to * to - from * from * from) / (3 * histogram.binWidth());
      continue;
    }
    double integral = squaredRoundingIntegral(to / scale, low, high) - squaredRoundingIntegral(from / scale, low, high);
    sum += static_cast<double>(counts[i]) * integral * scale * scale * scale / histogram.binWidth();
  }
  return sum;
}

ValueRange mseRange(const Histogram &histogram, const RangeTarget &target) {
  ValueRange extremes = histogram.range();
  if (extremes.empty() || extremes.absMax() == 0)
    return extremes;
  if (target.symmetric) {
    double greatest = extremes.absMax();
    return symmetricRange(gridMinimum(greatest / 256, greatest, [&](double top) {
      return squaredQuantizationError(histogram, symmetricRange(top), target);
    }));
  }
  ValueRange best = {std::min(extremes.min, 0.0f), std::max(extremes.max, 0.0f)};
  for (int round = 0; round < 4; ++round) {
    ValueRange before = best;
    auto costOf = [&](ValueRange range) { return squaredQuantizationError(histogram, range, target); };
    if (best.max > 0)
      best.max = static_cast<float>(gridMinimum(extremes.max / 256.0, extremes.max, [&](double max) {
        return costOf({best.min, static_cast<float>(max)});
      }));
    if (best.min < 0)
      best.min = -static_cast<float>(gridMinimum(-extremes.min / 256.0, -extremes.min, [&](double min) {
        return costOf({-static_cast<float>(min), best.max});
      }));
    if (best == before)
      break;
  }
  return best;
}

namespace {

/// KL divergence of the first `kept` magnitudes, the rest counted into the last of them, from their form in `levels` steps.
double clippedDivergence(std::span<const uint64_t> counts, int64_t kept, int levels, double beyond) {
  double total = beyond;
  for (int64_t i = 0; i < kept; ++i)
    total += static_cast<double>(counts[i]);
  double divergence = 0;
  double quantizedTotal = total - beyond;
  if (quantizedTotal == 0)
    return std::numeric_limits<double>::infinity();
  for (int level = 0; level < levels; ++level) {
    int64_t begin = level * kept / levels, end = (level + 1) * kept / levels;
    double sum = 0;
    int64_t occupied = 0;
    for (int64_t i = begin; i < end; ++i) {
      sum += static_cast<double>(counts[i]);
      occupied += counts[i] != 0;
    }
    // The level's mass is spread evenly over the bins that hold any.
    for (int64_t i = begin; i < end; ++i) {
      double p = static_cast<double>(counts[i]) + (i == kept - 1 ? beyond : 0);
      if (p == 0)
        continue;
      double q = occupied && counts[i] ? sum / static_cast<double>(occupied) : 0;
      if (q == 0)
        return std::numeric_limits<double>::infinity(); // outliers in a bin that was empty: no divergence is defined
      divergence += p / total * std::log((p / total) / (q / quantizedTotal));
    }
  }
  return divergence;
}

} // namespace

ValueRange entropyRange(const Histogram &histogram, const RangeTarget &target) {
  ValueRange extremes = histogram.range();
  if (extremes.empty() || extremes.absMax() == 0)
    return extremes;
  std::vector<uint64_t> counts = histogram.magnitudeCounts();
  while (!counts.empty() && counts.back() == 0)
    counts.pop_back();
  bool oneSigned = extremes.min >= 0 || extremes.max <= 0;
  int levels = oneSigned && !target.symmetric ? target.levels : target.levels / 2;
  int64_t size = static_cast<int64_t>(counts.size());
  std::vector<double> above(size + 1, 0); // counts from a bin on
  for (int64_t i = size; i-- > 0;)
    above[i] = above[i + 1] + static_cast<double>(counts[i]);
  int64_t best = size;
  double least = clippedDivergence(counts, size, std::min<int64_t>(levels, size), 0);
  for (int64_t kept = size - 1; kept >= levels; --kept)
    if (double divergence = clippedDivergence(counts, kept, levels, above[kept]); divergence < least) {
      least = divergence;
      best = kept;
    }
  return magnitudeRange(std::min<double>(static_cast<double>(best) * histogram.binWidth(), extremes.absMax()), histogram,
                        target);
}

} // namespace qopt
