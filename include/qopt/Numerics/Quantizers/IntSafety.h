//===- IntSafety.h - Proofs that integer code cannot overflow ----*- C++ -*-===//
//
// Exact worst cases over all activations within their range. Weights are [N, K] row-major: N outputs.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_INTSAFETY_H
#define QOPT_NUMERICS_QUANTIZERS_INTSAFETY_H

#include "qopt/Numerics/Formats/Affine.h"
#include "qopt/Numerics/Formats/BlockScaled.h"

#include <optional>
#include <span>
#include <vector>

namespace qopt {

/// Least and greatest value that an accumulator can take, over every subset of its terms: partial sums stay inside as well.
struct AccumulatorBound {
  int64_t min = 0, max = 0;
  bool fitsInt32() const { return min >= INT32_MIN && max <= INT32_MAX; }
  int64_t magnitude() const { return -min > max ? -min : max; }
};

/// Bound of sum_k (x_k - xZeroPoint) (w_nk - wZeroPoint_n) for each output n, x_k in `activation`. `weightZeroPoints` is empty
/// (zero), of one entry, or of N. Pass xZeroPoint = 0 for a kernel that sums raw codes and corrects afterwards.
std::vector<AccumulatorBound> accumulatorBounds(std::span<const int8_t> weight, RowShape shape, IntRange activation,
                                                int32_t xZeroPoint, std::span<const int32_t> weightZeroPoints = {});
/// The same from the shape alone, when weights are not known: K terms of the greatest magnitudes.
AccumulatorBound accumulatorBound(int64_t k, IntRange activation, int32_t xZeroPoint, IntRange weight,
                                  int32_t weightZeroPoint = 0);

/// pmaddubsw adds the products of neighbours (k even, k + 1) in saturating 16 bits: u8 activations up to `activationMax`
/// (255, or 127 for 7-bit activations), s8 weights.
struct SaturatingPair {
  int64_t n, k;    ///< the first pair that can saturate
  int32_t worst;   ///< the sum it can reach
};
std::optional<SaturatingPair> findSaturatingPair(std::span<const int8_t> weight, RowShape shape, int activationMax = 255);

/// The greatest activation code for which no pair can saturate: at least 128, at most 255.
int greatestSafeActivation(std::span<const int8_t> weight, RowShape shape);

/// Bias as int32 in units of inputScale * weightScale_n (the product in float32): rne(bias / unit). `overflow` is the first
/// output whose bias does not fit, alone or added to its accumulator's bound (empty: not asked).
struct QuantizedBias {
  std::vector<int32_t> values;
  std::optional<int64_t> overflow;
};
QuantizedBias quantizeBias(std::span<const float> bias, float inputScale, std::span<const float> weightScales,
                           std::span<const AccumulatorBound> bounds = {});

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_INTSAFETY_H
