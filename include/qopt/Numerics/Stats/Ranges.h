//===- Ranges.h - Clipping ranges from a histogram ---------------*- C++ -*-===//
//
// Each method returns the range that a scale should cover. All are functions of the histogram alone, computed in double in a
// fixed order. An empty histogram gives an empty range. Zero need not be inside: the scale's own formula widens to it.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_RANGES_H
#define QOPT_NUMERICS_STATS_RANGES_H

#include "qopt/Numerics/Stats/Histogram.h"

namespace qopt {

/// What the range is for: how many integers there are, and whether the range has to be symmetric about zero.
struct RangeTarget {
  int levels = 256; ///< number of integers: 256 for int8, 255 for narrow int8, 16 for int4
  bool symmetric = false;
};

/// Leaves (100 - percent) % of the values outside: half at each end, or all by magnitude where symmetric. Ends lie on bin
/// edges, never beyond the extremes.
ValueRange percentileRange(const Histogram &histogram, double percent, const RangeTarget &target);

/// The range of least expected squared error of quantize-dequantize, each bin taken as uniform (the integral of the error
/// is exact, so steps finer than a bin count right). Symmetric: 256 clips from the extreme down to 1/256 of it, then 32
/// around the best. Asymmetric: both ends in turn in the same way, until neither moves, at most four rounds.
ValueRange mseRange(const Histogram &histogram, const RangeTarget &target);

/// Expected squared error of quantizing with `range`, the sum over all values (not their mean).
double squaredQuantizationError(const Histogram &histogram, ValueRange range, const RangeTarget &target);

/// The magnitude of least KL divergence between the clipped distribution and its quantized form (Migacz, "8-bit inference
/// with TensorRT", 2017), over magnitudes with levels/2 integers, or levels where all values are of one sign and the range
/// is not symmetric. The range is [-t, t] cut to the extremes unless symmetric.
ValueRange entropyRange(const Histogram &histogram, const RangeTarget &target);

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_RANGES_H
