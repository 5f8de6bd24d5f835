//===- Rounding.h - Round to nearest even, as vector code --------*- C++ -*-===//
#ifndef QOPT_NUMERICS_FORMATS_ROUNDING_H
#define QOPT_NUMERICS_FORMATS_ROUNDING_H

namespace qopt {

/// Rounds to nearest, ties to even, where |value| <= 2^22: adding 1.5 * 2^23 leaves no bits below the units. Unlike
/// nearbyint, the compiler turns it into vector code for any x86-64.
inline float roundSmall(float value) { return (value + 12582912.0f) - 12582912.0f; }

/// The integer that `value` (not NaN) rounds to within [low, high], bounds that are integers of at most 2^22: clamping
/// first does not change what rounds to them.
inline float roundWithin(float value, float low, float high) {
  value = value > low ? value : low;
  value = value < high ? value : high;
  return roundSmall(value);
}

} // namespace qopt

#endif // QOPT_NUMERICS_FORMATS_ROUNDING_H
