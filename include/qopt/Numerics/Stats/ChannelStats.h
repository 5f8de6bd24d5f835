//===- ChannelStats.h - Ranges and moments by channel ------------*- C++ -*-===//
//
// Streaming statistics of fixed size. Adding values in any order and merging in any order give the same bytes. The tensor
// is seen as [outer, channels, inner]; one channel makes it per tensor. NaN and infinities are counted and left out.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_CHANNELSTATS_H
#define QOPT_NUMERICS_STATS_CHANNELSTATS_H

#include "qopt/Numerics/Stats/FixedSum.h"
#include "qopt/Numerics/Support/Result.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace qopt {

/// A closed range of values; empty where nothing was seen.
struct ValueRange {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  bool empty() const { return min > max; }
  float absMax() const { return empty() ? 0 : (-min > max ? -min : max); }
  void include(ValueRange other) {
    min = other.min < min ? other.min : min;
    max = other.max > max ? other.max : max;
  }
  friend bool operator==(const ValueRange &, const ValueRange &) = default;
};

/// Range of the finite values, zero always +0, and how many values were not finite.
struct ScanResult {
  ValueRange range;
  uint64_t nonFinite = 0;
};
ScanResult scanRange(std::span<const float> x);

/// Least and greatest value of each channel.
class RangeStats {
public:
  explicit RangeStats(int64_t channels = 1) : ranges(channels) {}

  /// x is [outer, channels, inner]; outer follows from the size.
  void add(std::span<const float> x, int64_t inner = 1);
  /// Fails where the channels differ.
  Status merge(const RangeStats &other);

  int64_t channels() const { return static_cast<int64_t>(ranges.size()); }
  const ValueRange &channel(int64_t index) const { return ranges[index]; }
  ValueRange tensor() const;
  /// Greatest magnitude by channel; 0 for a channel that no value reached.
  std::vector<float> absMax() const;
  uint64_t valueCount() const { return seen; }      ///< finite values
  uint64_t nonFiniteCount() const { return nonFinite; }

  std::vector<uint8_t> serialize() const;
  static Result<RangeStats> deserialize(std::span<const uint8_t> bytes);
  friend bool operator==(const RangeStats &, const RangeStats &) = default;

private:
  std::vector<ValueRange> ranges;
  uint64_t seen = 0, nonFinite = 0;
};

/// Sums of x, |x| and x^2 of each channel (means for bias correction, mean magnitudes for AWQ).
class MomentStats {
public:
  explicit MomentStats(int64_t channels = 1) : sums(channels) {}

  void add(std::span<const float> x, int64_t inner = 1);
  Status merge(const MomentStats &other);

  int64_t channels() const { return static_cast<int64_t>(sums.size()); }
  /// Means by channel; 0 for a channel that no value reached.
  std::vector<float> mean() const;
  std::vector<float> meanAbs() const;
  std::vector<float> meanSquare() const;
  /// Values that are not finite, or of magnitude 2^20 and more, which the sums leave out.
  uint64_t excludedCount() const { return excluded; }

  std::vector<uint8_t> serialize() const;
  static Result<MomentStats> deserialize(std::span<const uint8_t> bytes);
  friend bool operator==(const MomentStats &, const MomentStats &) = default;

private:
  struct Sums {
    FixedSum plain, magnitude, square;
    uint64_t count = 0, unused = 0;
    friend bool operator==(const Sums &, const Sums &) = default;
  };
  std::vector<float> means(FixedSum Sums::*which) const;

  std::vector<Sums> sums;
  uint64_t excluded = 0;
};

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_CHANNELSTATS_H
