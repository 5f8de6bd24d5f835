//===- Awq.h - Activation-aware scales and clips -----------------*- C++ -*-===//
//
// AWQ (Lin et al. 2023). Weights are [N, K] row-major; several linears that share their input are searched as one, their rows
// below one another. Losses are tr((W - Q) H (W - Q)^T) with H = sum x x^T, which is the error of the outputs on the
// calibration data: no activations have to be kept.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_AWQ_H
#define QOPT_NUMERICS_QUANTIZERS_AWQ_H

#include "qopt/Numerics/Formats/BlockScaled.h"
#include "qopt/Numerics/Quantizers/Scales.h"

namespace qopt {

struct AwqOptions {
  AffineOptions affine{{-8, 7}, true};
  int64_t groupSize = 128; ///< 0: one group to a row
  int steps = 20;          ///< ratios 0, 1/steps … (steps - 1)/steps
  /// Losses are taken over at most so many rows, evenly spaced.
  int64_t lossRows = 256;
  /// Also try scales divided by the weights' magnitudes.
  bool duo = true;
};

struct AwqScales {
  std::vector<float> scales; ///< K: weight columns are multiplied, activations divided
  double ratio = 0;          ///< 0: plain rounding is best, scales are all 1
  bool dividesByWeights = false;
  double errorBefore = 0, errorAfter = 0; ///< losses over the rows that were looked at
};

/// s_k = a_k^r, or a_k^r / (w_k^(1-r) + 1e-4) ("duo scaling" of AutoAWQ), at least 1e-4 and divided by sqrt(max s * min s); a_k is
/// the mean magnitude of the activation, w_k the mean over rows of |W_nk| / (greatest of its group). The best of all.
Result<AwqScales> awqScales(std::span<const float> weight, RowShape shape, std::span<const float> meanAbsActivation,
                            std::span<const double> hessian, const AwqOptions &options,
                            const ParallelFor &parallelFor = serialFor);

/// The scales for one ratio.
std::vector<float> awqScalesAt(std::span<const float> meanAbsActivation, std::span<const float> meanWeight, double ratio,
                               bool divideByWeights);
/// w_k above.
std::vector<float> awqMeanWeight(std::span<const float> weight, RowShape shape, int64_t groupSize);

/// The clip of each row's group that minimizes d^T H_gg d over the search's candidates (AWQ's auto_clip, on the diagonal
/// blocks of H). Params are [N, groups].
Result<GridParams> paramsByHessianClip(std::span<const float> weight, RowShape shape, int64_t groupSize,
                                       std::span<const double> hessian, const AffineOptions &affine,
                                       const ClipSearch &search = {0.5, 21}, const ParallelFor &parallelFor = serialFor);

/// H of activations less their mean: h -= rows * mean mean^T, for weights whose mean output error the bias takes up.
void centerHessian(std::span<double> hessian, std::span<const float> mean, double rows);
/// H of activations divided by s: h_jk /= s_j s_k.
void scaleHessian(std::span<double> hessian, std::span<const float> scales);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_AWQ_H
