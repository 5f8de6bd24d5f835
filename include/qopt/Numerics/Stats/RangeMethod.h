//===- RangeMethod.h - How a range is chosen ---------------------*- C++ -*-===//
//
// The calibration methods by name: what recipes and command lines say, and what statistics are asked for.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_RANGEMETHOD_H
#define QOPT_NUMERICS_STATS_RANGEMETHOD_H

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

namespace qopt {

enum class RangeMethod { MinMax, MovingAverage, Percentile, MSE, Entropy };

/// In the order of the enum.
inline constexpr std::string_view kRangeMethods[] = {"minmax", "moving-average", "percentile", "mse", "entropy"};
/// The same for messages.
inline constexpr std::string_view kRangeMethodChoices = "minmax, moving-average, percentile, mse or entropy";

constexpr std::string_view rangeMethodName(RangeMethod method) { return kRangeMethods[static_cast<int>(method)]; }

constexpr std::optional<RangeMethod> parseRangeMethod(std::string_view name) {
  const auto *found = std::find(std::begin(kRangeMethods), std::end(kRangeMethods), name);
  if (found == std::end(kRangeMethods))
    return std::nullopt;
  return static_cast<RangeMethod>(found - std::begin(kRangeMethods));
}

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_RANGEMETHOD_H
