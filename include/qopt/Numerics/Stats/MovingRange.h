//===- MovingRange.h - Exponential moving average of ranges ------*- C++ -*-===//
//
// A moving average depends on the order of samples by its nature. So that shards still merge to the bytes of one run, the
// state keeps the range of each sample under the sample's index (16 bytes a sample), and the average is taken in the order
// of indices when it is asked for. Ranges of one index join, so that a sample may come in pieces of one run; two shards
// that both saw an index are refused.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_MOVINGRANGE_H
#define QOPT_NUMERICS_STATS_MOVINGRANGE_H

#include "qopt/Numerics/Stats/ChannelStats.h"

namespace qopt {

class MovingRange {
public:
  void add(uint64_t sampleIndex, std::span<const float> x);
  Status merge(const MovingRange &other);

  /// average = (1 - weight) * average + weight * range, by sample index, from the first sample's range; in double.
  ValueRange average(double weight = 0.01) const;
  int64_t sampleCount() const { return static_cast<int64_t>(samples.size()); }
  uint64_t nonFiniteCount() const { return nonFinite; }

  std::vector<uint8_t> serialize() const;
  static Result<MovingRange> deserialize(std::span<const uint8_t> bytes);
  friend bool operator==(const MovingRange &, const MovingRange &) = default;

private:
  struct Sample {
    uint64_t index;
    ValueRange range;
    friend bool operator==(const Sample &, const Sample &) = default;
  };
  std::vector<Sample> samples; // ascending indices
  uint64_t nonFinite = 0;
};

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_MOVINGRANGE_H
