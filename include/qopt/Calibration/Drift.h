// Whether two sets of statistics saw the same distribution: calibration against the data that a model is used on.
#pragma once
#include "qopt/Calibration/Statistics.h"

namespace qopt {

/// One site's values in calibration (c) and in use (u).
struct SiteDrift {
  std::string site;
  ValueRange calibrated, used;
  /// Share of u's values beyond c's extremes, to the width of one of u's bins: what a range chosen by c clips at least.
  double outside = 0;
  /// Kolmogorov-Smirnov distance, to the width of a bin: the greatest difference of the two cumulative shares, 0 to 1.
  double distance = 0;
  /// Root of sum_i (mean_c,i - mean_u,i)^2 over the sum of channel variances (mean of c's and u's): how far the mean activation
  /// has moved, in standard deviations. 0 where there are no channel statistics.
  double shift = 0;
  /// c's samples say nothing of the site, but u reaches it.
  bool uncovered = false;

  bool drifted() const;
};

/// Above any of these a site has drifted. docs/reports.md tells where they come from.
constexpr double kDriftOutside = 1e-3, kDriftDistance = 0.1, kDriftShift = 0.5;

/// Sites that u reached, those with the greatest drift first. Errors: statistics of different models.
llvm::Expected<std::vector<SiteDrift>> driftBetween(const Statistics &calibration, const Statistics &use);

} // namespace qopt
