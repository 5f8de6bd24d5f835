//===- Histogram.h - A histogram that re-bins itself -------------*- C++ -*-===//
//
// Bin k holds the values of [k w, (k + 1) w) for a power of two w and -bins/2 <= k < bins/2. Values that do not fit double w
// until they do, and a doubling joins the bins 2k and 2k + 1, so that nothing is ever approximated: the counts are those of
// a histogram that had the final width from the start. The width follows from the extremes alone. So the state depends on
// the set of values only, and shards merge to the bytes of one run.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_HISTOGRAM_H
#define QOPT_NUMERICS_STATS_HISTOGRAM_H

#include "qopt/Numerics/Stats/ChannelStats.h"

namespace qopt {

class Histogram {
public:
  static constexpr int defaultBins = 4096;

  /// `bins` is even and at least 2.
  explicit Histogram(int bins = defaultBins);

  void add(std::span<const float> x);
  /// Fails where the numbers of bins differ.
  Status merge(const Histogram &other);

  int bins() const { return static_cast<int>(counts.size()); }
  double binWidth() const { return std::ldexp(1.0, exponent); }
  /// Lower edge of bin `index` of counts().
  double edge(int64_t index) const { return static_cast<double>(index - bins() / 2) * binWidth(); }
  std::span<const uint64_t> binCounts() const { return counts; }
  /// Exact extremes of the finite values.
  ValueRange range() const { return extremes; }
  uint64_t valueCount() const;
  /// Values in bins that lie wholly beyond `range`.
  uint64_t countOutside(ValueRange range) const;
  uint64_t nonFiniteCount() const { return nonFinite; }

  /// Counts of magnitudes: bin k holds |x| in [k w, (k + 1) w), bins/2 of them. Bins of negative values
  /// are mirrored whole, so that a value of exactly -k w counts one bin low.
  std::vector<uint64_t> magnitudeCounts() const;

  std::vector<uint8_t> serialize() const;
  static Result<Histogram> deserialize(std::span<const uint8_t> bytes);
  friend bool operator==(const Histogram &, const Histogram &) = default;

private:
  bool fits(ValueRange range) const;
  bool fitsAt(int widthExponent, ValueRange range) const;
  void widenFor(ValueRange range);
  void widenTo(int newExponent);

  std::vector<uint64_t> counts;
  int32_t exponent;
  ValueRange extremes;
  uint64_t nonFinite = 0;
};

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_HISTOGRAM_H
