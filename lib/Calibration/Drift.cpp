#include "qopt/Calibration/Drift.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <map>

using namespace llvm;
using namespace qopt;

namespace {

/// Shares of the values by bin of the coarser width; widths are powers of two, so that bins nest.
void addShares(const Histogram &histogram, double width, double sign, std::map<int64_t, double> &shares) {
  auto total = static_cast<double>(histogram.valueCount());
  auto counts = histogram.binCounts();
  for (int64_t bin = 0; bin < histogram.bins(); ++bin)
    if (counts[bin])
      shares[static_cast<int64_t>(std::floor(histogram.edge(bin) / width))] += sign * static_cast<double>(counts[bin]) / total;
}

double distanceOf(const Histogram &a, const Histogram &b) {
  double width = std::max(a.binWidth(), b.binWidth()), apart = 0, greatest = 0;
  std::map<int64_t, double> difference;
  addShares(a, width, 1, difference);
  addShares(b, width, -1, difference);
  for (auto [bin, share] : difference)
    greatest = std::max(greatest, std::fabs(apart += share));
  return greatest;
}

double shiftOf(const MomentStats &a, const MomentStats &b) {
  if (a.channels() != b.channels() || a.channels() < 2)
    return 0;
  auto meanA = a.mean(), meanB = b.mean(), squareA = a.meanSquare(), squareB = b.meanSquare();
  double moved = 0, variance = 0;
  for (size_t c = 0; c < meanA.size(); ++c) {
    double ma = meanA[c], mb = meanB[c];
    moved += (ma - mb) * (ma - mb);
    variance += std::max(squareA[c] - ma * ma, 0.0) / 2 + std::max(squareB[c] - mb * mb, 0.0) / 2;
  }
  return moved == 0 ? 0 : std::sqrt(moved / std::max(variance, 1e-30));
}

SiteDrift driftOf(const SiteStatistics *calibration, const SiteStatistics &use) {
  SiteDrift drift;
  drift.site = use.info().name;
  drift.used = use.histogram.range();
  if (!calibration || !calibration->histogram.valueCount()) {
    drift.uncovered = true;
    drift.outside = drift.distance = 1;
    return drift;
  }
  drift.calibrated = calibration->histogram.range();
  drift.outside = static_cast<double>(use.histogram.countOutside(drift.calibrated)) / static_cast<double>(use.histogram.valueCount());
  drift.distance = distanceOf(calibration->histogram, use.histogram);
  drift.shift = shiftOf(calibration->moments, use.moments);
  return drift;
}

/// How far over its thresholds a site is, for sorting.
double severity(const SiteDrift &d) {
  return std::max({d.outside / kDriftOutside, d.distance / kDriftDistance, d.shift / kDriftShift});
}

} // namespace

bool SiteDrift::drifted() const { return uncovered || severity(*this) > 1; }

Expected<std::vector<SiteDrift>> qopt::driftBetween(const Statistics &calibration, const Statistics &use) {
  if (calibration.modelHash != use.modelHash)
    return makeError("the statistics are of different models (" + calibration.modelHash + " and " + use.modelHash + ")");
  std::vector<SiteDrift> drifts;
  for (const SiteStatistics &site : use.sites)
    if (site.histogram.valueCount())
      drifts.push_back(driftOf(calibration.find(site.info().name), site));
  llvm::sort(drifts, [](const SiteDrift &a, const SiteDrift &b) {
    return std::pair(-severity(a), StringRef(a.site)) < std::pair(-severity(b), StringRef(b.site));
  });
  return drifts;
}
