//===- Equalize.h - Per-channel scales moved between tensors -----*- C++ -*-===//
//
// Weights are [N, K] row-major: N outputs, K inputs, y = W x.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_EQUALIZE_H
#define QOPT_NUMERICS_QUANTIZERS_EQUALIZE_H

#include "qopt/Numerics/Formats/BlockScaled.h"

#include <span>
#include <vector>

namespace qopt {

/// Greatest magnitude of each column (input channel) and of each row (output channel). NaN is ignored.
std::vector<float> columnAbsMax(std::span<const float> weight, RowShape shape);
std::vector<float> rowAbsMax(std::span<const float> weight, RowShape shape);

/// SmoothQuant (Xiao et al. 2022, eq. 4): s_j = max|X_j|^alpha / max|W_j|^(1 - alpha); activations are divided by s and
/// weight columns multiplied by it. A channel without activation or without weight keeps s = 1; s is at least `least`.
/// For several linears that share the input, weightMax is the greatest over all of them.
std::vector<float> smoothQuantScales(std::span<const float> activationMax, std::span<const float> weightMax, float alpha,
                                     float least = 1e-5f);

/// Multiplies column k by s[k].
void scaleColumns(std::span<float> weight, RowShape shape, std::span<const float> s);
/// Multiplies row n by s[n].
void scaleRows(std::span<float> weight, RowShape shape, std::span<const float> s);

/// Cross-layer equalization (Nagel et al. 2019, eq. 11): for y = W2 f(W1 x) with f positively homogeneous,
/// s_i = sqrt(r1_i / r2_i) of the ranges of row i of W1 and column i of W2; W1's row i and bias are divided by s_i, W2's
/// column i multiplied. A dead channel keeps 1.
std::vector<float> equalizationScales(std::span<const float> firstRowMax, std::span<const float> secondColumnMax);

/// Bias correction (Nagel et al. 2019, section 4.2): b_n += sum_k (W - W')_nk E[x_k], summed in double.
void correctBias(std::span<const float> weight, std::span<const float> quantizedWeight, RowShape shape,
                 std::span<const float> inputMean, std::span<float> bias);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_EQUALIZE_H
