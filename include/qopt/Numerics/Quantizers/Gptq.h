//===- Gptq.h - Rounding with error feedback ---------------------*- C++ -*-===//
//
// GPTQ (Frantar et al. 2022): quantizes the weights W [N, K] of y = W x column by column, and moves each column's rounding
// error onto the columns that follow, so that tr((W - Q) H (W - Q)^T) stays small for H = sum x x^T.
//
// The paper factors H^-1 = U^T U. Here H = R R^T with upper R = U^-1, which needs no inverse: the value that GPTQ rounds in
// column i is w_i + sum_{j<i} (w_j - q_j) R_ji / R_ii (Babai's nearest plane in the basis R; the two are the same algorithm).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_GPTQ_H
#define QOPT_NUMERICS_QUANTIZERS_GPTQ_H

#include "qopt/Numerics/Formats/BlockScaled.h"
#include "qopt/Numerics/Quantizers/Scales.h"

#include <optional>

namespace qopt {

enum class ActOrder : uint8_t {
  None,
  Static,  ///< columns by falling diag(H); groups stay those of the original order, with scales of the original weights
  Dynamic, ///< groups follow the new order: columns of a group are scattered, and groupOfColumn says which is whose
};

struct GptqOptions {
  AffineOptions affine{{-8, 7}, true};
  /// Columns to a group; 0: one group to a row. The last group may be partial.
  int64_t groupSize = 128;
  int64_t blockSize = 128;
  ActOrder actOrder = ActOrder::None;
  /// Added to the diagonal: this fraction of its mean, over live columns. Where the factorization fails, ten times as much
  /// is tried, and so on, up to `dampeningTries` in all.
  double dampening = 0.01;
  int dampeningTries = 5;
  /// Where set, groups get scales by clip search rather than by their extremes.
  std::optional<ClipSearch> clip;
  /// Where set, these scales and zero points ([N, groups] in the original order) are used as they are. Not with Dynamic.
  const GridParams *fixed = nullptr;
  /// Where set, values are rounded to this format under `fixed` scales instead of to integers (F8, F4, NF4).
  std::optional<Format> format;
};

struct GptqResult {
  GridParams params;                  ///< [N, groups]
  std::vector<int32_t> groupOfColumn; ///< Dynamic only: K entries
  double dampening = 0;               ///< the fraction that worked
  int dampeningTries = 0;             ///< how many were tried
  int64_t deadColumns = 0;            ///< columns that no activation reached: rounded to nearest
  double error = 0;                   ///< tr((W - Q) (H + damping) (W - Q)^T)
};

/// Replaces `weight` by its quantized values: (q - zero point) * scale, so that quantizing them again with the returned
/// params gives the codes. `hessian` is [K, K], symmetric, and used as work space. Deterministic for any parallelFor. Fails on
/// values that are not finite, and where no dampening of the ladder makes the Hessian positive definite.
Result<GptqResult> gptq(std::span<float> weight, RowShape shape, std::span<double> hessian, const GptqOptions &options,
                        const ParallelFor &parallelFor = serialFor);

/// tr((W - Q) H (W - Q)^T), in double.
double hessianError(std::span<const float> weight, std::span<const float> quantized, RowShape shape,
                    std::span<const double> hessian, const ParallelFor &parallelFor = serialFor);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_GPTQ_H
