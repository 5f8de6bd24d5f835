//===- FixedSum.h - Sums that no order can change ----------------*- C++ -*-===//
//
// A sum of doubles as a 128-bit integer count of 2^-62. Each value is truncated to that unit by itself, and integer
// addition is associative, so that the sum's bits depend on the values only: not on their order, on threads, on shards, or on
// the machine. Values have to be below 2^40 in magnitude (`fits`); 2^25 values of that size would still not overflow.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_FIXEDSUM_H
#define QOPT_NUMERICS_STATS_FIXEDSUM_H

#include <cmath>
#include <cstdint>

namespace qopt {

__extension__ typedef __int128 Int128;

class FixedSum {
public:
  static constexpr int fractionBits = 62;
  static bool fits(double value) { return std::fabs(value) < 0x1p40; }

  /// `value` must fit.
  void add(double value) {
    int64_t whole = static_cast<int64_t>(value);
    // Exact: a double's fraction has no more bits than the double, and scaling by 2^62 moves no bits out.
    int64_t fraction = static_cast<int64_t>((value - static_cast<double>(whole)) * 0x1p62);
    units += (static_cast<Int128>(whole) << fractionBits) + fraction;
  }
  /// Adds value * 2^exponent for an integer value; -62 <= exponent <= 0.
  void addScaled(int64_t value, int exponent) {
    units += static_cast<Int128>(value) * (int64_t{1} << (exponent + fractionBits));
  }
  void merge(const FixedSum &other) { units += other.units; }

  double value() const { return static_cast<double>(units) * 0x1p-62; }
  friend bool operator==(const FixedSum &, const FixedSum &) = default;

private:
  Int128 units = 0;
};
static_assert(sizeof(FixedSum) == 16);

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_FIXEDSUM_H
