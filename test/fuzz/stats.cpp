// Statistics files, and what is made of them.
#include "FuzzFile.h"

#include "qopt/Calibration/Drift.h"
#include "qopt/Calibration/Statistics.h"

using namespace qopt;

static void use(Statistics &statistics) {
  for (const SiteStatistics &site : statistics.sites)
    for (RangeMethod method : {RangeMethod::MinMax, RangeMethod::MovingAverage, RangeMethod::Percentile, RangeMethod::MSE, RangeMethod::Entropy}) {
      RangeChoice choice;
      choice.method = method;
      (void)chooseRange(site, choice);
      (void)site.moments.meanSquare();
    }
  auto drifts = driftBetween(statistics, statistics);
  dropSentence(drifts);
  Statistics twice = statistics;
  if (llvm::Error error = twice.merge(statistics))
    (void)llvm::toString(std::move(error));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzFile file(data, size);
  auto statistics = readStatistics(file.path());
  dropSentence(statistics);
  if (statistics)
    use(*statistics);
  return 0;
}
