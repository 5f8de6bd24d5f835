//===- InputErrors.h - Weights for inputs that are off -----------*- C++ -*-===//
//
// Behind layers that are quantized already, a layer reads x where the float model has x_f. What it should compute is still W x_f
// (GPTAQ, Li et al. 2025). In least squares over calibration's rows
//
//   |W x_f - Q x|^2 = |(W' - Q) x|^2 + const,  W' = W + W D (sum x x^T)^-1,  D = sum (x_f - x) x^T,
//
// so that W' in place of W is all that any rounding to the Hessian sum x x^T needs to know.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_INPUTERRORS_H
#define QOPT_NUMERICS_QUANTIZERS_INPUTERRORS_H

#include "qopt/Numerics/Formats/BlockScaled.h"
#include "qopt/Numerics/Quantizers/Scales.h"

namespace qopt {

/// Replaces W [N, K] by W'. `hessian` and `errors` (D, rows along x_f) are [K, K]; `dampening` times the mean of the diagonal is added to
/// the Hessian's, which keeps W' near W where the data says little. Fails where that is not enough.
Status absorbInputErrors(std::span<float> weight, RowShape shape, std::span<const double> hessian, std::span<const double> errors,
                         double dampening, const ParallelFor &parallelFor = serialFor);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_INPUTERRORS_H
