// What calibration knows of a model: fixed-size, mergeable statistics for each site. Adding samples in any order and merging shards in
// any order gives the same bytes.
#pragma once
#include "qopt/Calibration/SampleSource.h"
#include "qopt/Numerics/Stats/ChannelStats.h"
#include "qopt/Numerics/Stats/Histogram.h"
#include "qopt/Numerics/Stats/InputStats.h"
#include "qopt/Numerics/Stats/MovingRange.h"
#include "qopt/Numerics/Stats/RangeMethod.h"
#include "qopt/Numerics/Stats/Ranges.h"

#include <string>
#include <vector>

namespace qopt {

/// One tensor of the model. Channel statistics run along `channelAxis` (counted from the front), unless it is -1.
struct SiteInfo {
  std::string name;
  int64_t channelAxis = -1;
  friend bool operator==(const SiteInfo &, const SiteInfo &) = default;
};

class SiteStatistics {
public:
  explicit SiteStatistics(SiteInfo info) : site(std::move(info)) {}

  const SiteInfo &info() const { return site; }
  /// False where no sample reached the site (a branch not taken, no data).
  bool reached() const { return histogram.valueCount() + histogram.nonFiniteCount() > 0; }

  /// A value of `samples` samples along axis 0, the first of index `firstSample`. Where axis 0 is not the samples', it counts as one.
  void add(llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape, int64_t firstSample, int64_t samples);
  llvm::Error merge(const SiteStatistics &other);

  Histogram histogram;
  RangeStats ranges{0};    ///< by channel; 0 channels until the first value
  MomentStats moments{0};  ///< by channel
  MovingRange movingRange;

private:
  SiteInfo site;
};

struct Statistics {
  std::string modelHash;
  std::string tool;      ///< version that wrote it
  DataHash dataHash;
  int64_t samples = 0;
  std::vector<SiteStatistics> sites;
  InputTable inputs; ///< Gram matrices of linears' inputs, where they were asked for

  const SiteStatistics *find(llvm::StringRef site) const;
  /// Errors: another model, other sites, Gram matrices on one side only.
  llvm::Error merge(const Statistics &other);
};

/// One file: a magic, a JSON index, then the sites' bytes. The same statistics give the same file.
llvm::Error writeStatistics(llvm::StringRef path, const Statistics &statistics);
llvm::Expected<Statistics> readStatistics(llvm::StringRef path);

struct RangeChoice {
  RangeMethod method = RangeMethod::MinMax;
  double percent = 99.999;         ///< of Percentile
  double averagingConstant = 0.01; ///< of MovingAverage: the weight of the newest sample
  RangeTarget target;
};
/// The range that the method wants covered; empty where the site was not reached.
ValueRange chooseRange(const SiteStatistics &site, const RangeChoice &choice);

} // namespace qopt
