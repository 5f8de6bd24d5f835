#include "QuantizationReport.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Calibration/Statistics.h"

using namespace llvm;
using namespace qopt;

namespace {

constexpr int64_t kBars = 96;

/// The histogram's bins from the least to the greatest value, joined to at most kBars bars.
void addBars(SiteReport &site, const Histogram &histogram) {
  int64_t bins = histogram.bins(), first = 0, last = bins - 1;
  auto counts = histogram.binCounts();
  while (first < last && !counts[first])
    ++first;
  while (last > first && !counts[last])
    --last;
  int64_t joined = (last - first) / kBars + 1;
  site.lowest = histogram.edge(first);
  site.barWidth = joined * histogram.binWidth();
  site.bars.assign((last - first) / joined + 1, 0);
  for (int64_t bin = first; bin <= last; ++bin)
    site.bars[(bin - first) / joined] += counts[bin];
}

SiteReport reportSite(const SiteStatistics &statistics, const RangeChoice &choice) {
  SiteReport site;
  site.name = statistics.info().name;
  site.reached = statistics.reached();
  site.values = statistics.histogram.valueCount();
  site.nonFinite = statistics.histogram.nonFiniteCount();
  if (!site.values)
    return site;
  site.seen = statistics.histogram.range();
  site.chosen = chooseRange(statistics, choice);
  site.outside = site.chosen.empty() ? 0 : statistics.histogram.countOutside(site.chosen);
  addBars(site, statistics.histogram);
  return site;
}

/// Outcomes of products and convolutions; other codes tell of preparations that did not go through.
bool isOutcome(const Decision &decision) { return StringRef(decision.code).starts_with("QUANT-"); }

} // namespace

void qopt::addDecisions(QuantizationReport &report, mlir::ModuleOp module) {
  for (const Decision &d : readDecisions(module))
    (isOutcome(d) ? report.decisions : report.remarks).push_back({d.site, d.op, outcomeName(d.outcome).str(), d.code, d.reason});
}

void qopt::addStatistics(QuantizationReport &report, const Statistics &statistics, const RangeChoice &choice) {
  report.method = rangeMethodName(choice.method);
  report.samples = statistics.samples;
  report.dataHash = statistics.dataHash.hex();
  for (const SiteStatistics &site : statistics.sites)
    report.sites.push_back(reportSite(site, choice));
}
