//===- Scales.h - Scales and zero points from ranges and weights -*- C++ -*-===//
//
// Every range is widened to hold zero, so that zero is always exactly representable: q(0) = zero point and x'(zp) = 0; but under
// fractional zero points, which give that up.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_SCALES_H
#define QOPT_NUMERICS_QUANTIZERS_SCALES_H

#include "qopt/Numerics/Formats/Affine.h"
#include "qopt/Numerics/Support/Parallel.h"
#include "qopt/Numerics/Support/Result.h"

#include <limits>
#include <span>
#include <vector>

namespace qopt {

struct AffineParams {
  float scale = 1;
  float zeroPoint = 0;
  friend bool operator==(const AffineParams &, const AffineParams &) = default;
};

/// What a symmetric scale maps the greatest magnitude to.
enum class SymmetricTop : uint8_t {
  High,      ///< the greatest integer: int8 127, int4 7. Nothing is clipped.
  HalfRange, ///< half of the range: int4 7.5, as GPTQ's and llm-compressor's quantizers do. The positive end clips by half
             ///< a step, and all codes are in use.
  Signed,    ///< the value of greatest magnitude has the least code: int4 -8, under a negative scale where it is positive. The
             ///< other end clips where it reaches beyond 7.5 / 8 of it, and all codes are in use.
};

struct AffineOptions {
  IntRange range{-128, 127};
  bool symmetric = true;
  SymmetricTop top = SymmetricTop::High;
  /// Scales are at least this. The default keeps x / scale finite; a format that stores scales as f16 raises it.
  float minScale = std::numeric_limits<float>::min();
  bool fractionalZero = false; ///< asymmetric only: zero points need not be whole
};

/// Symmetric: zero point (low + high + 1) / 2 (0 for signed ranges), scale = max(|min|, |max|) / top; with SymmetricTop::Signed
/// -max / (middle - low) where max > -min, so that scales may be negative.
/// Asymmetric: scale = (max - min) / (high - low), zero point = saturate(rne(low - min / scale)); a fractional one is low - min / scale,
/// under a scale that keeps |min / scale| and |max / scale| within 2^20.
/// A range of zero width at zero gives scale 1. Infinite ends count as the greatest float.
AffineParams paramsFromRange(double min, double max, const AffineOptions &options);

/// Scales and zero points of a BlockGrid, in its order. `zeroPoints` is always of the scales' count.
struct GridParams {
  std::vector<float> scales;
  std::vector<float> zeroPoints;
};

/// Scales from each box's own least and greatest value. Fails on NaN or infinity, naming the element's index.
Result<GridParams> paramsFromValues(std::span<const float> x, const BlockGrid &grid, const AffineOptions &options);

struct ClipSearch {
  double least = 0.4; ///< the smallest candidate, as a fraction of the range
  int steps = 61;     ///< candidates from `least` to 1, evenly spaced
};

/// One clip that a search tries: the range times `fraction`, the scale's sign turned round where `flip`.
struct ClipCandidate {
  double fraction = 1;
  bool flip = false;
};
/// All of them, the widest first, so that the first of equals is the one that clips least.
std::vector<ClipCandidate> clipCandidates(const ClipSearch &search, const AffineOptions &options);
AffineParams paramsOfClip(double min, double max, const ClipCandidate &clip, const AffineOptions &options);

/// The clip of each box that minimizes the sum of squared errors of quantize-dequantize (ties: the widest). Rank does not
/// matter; cost is `steps` passes over x, one piece of work each; with SymmetricTop::Signed twice that, as each clip is tried
/// under both signs, from the widest that clips neither end.
Result<GridParams> paramsByClipSearch(std::span<const float> x, const BlockGrid &grid, const AffineOptions &options,
                                      const ClipSearch &search = {}, const ParallelFor &parallelFor = serialFor);

/// The same for rows of weights [N, K] in groups of columns (`groupSize` 0: whole rows), with the squared error of column k
/// weighted by columnWeights[k]: diag(H) makes it the expected error of the outputs, cross terms left aside. Params are [N, groups].
Result<GridParams> paramsByWeightedClip(std::span<const float> weight, int64_t rows, int64_t cols, int64_t groupSize,
                                        std::span<const double> columnWeights, const AffineOptions &options,
                                        const ClipSearch &search = {}, const ParallelFor &parallelFor = serialFor);

/// quantize then dequantize, in float. `x` and `out` may be the same span.
void fakeQuantize(std::span<const float> x, const BlockGrid &grid, const GridParams &params, IntRange range,
                  std::span<float> out);

/// Fails where a value is NaN or infinite, naming its index.
Status checkFinite(std::span<const float> x);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_SCALES_H
