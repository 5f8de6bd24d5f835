//===- DecodedWeights.h - What constant codes stand for, at compile time --------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_DECODEDWEIGHTS_H
#define QOPT_CODEGEN_CPU_KERNELS_DECODEDWEIGHTS_H

#include "Weights.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

namespace qopt::qcpu {

/// The f32 elements of a constant, or of qopt.dequantize, qopt.lookup, additions and reshapes of constants (how scales in two levels
/// and tables are spelled), to the bit as compiled code computes them. Nothing where another op or type takes part.
std::optional<std::vector<float>> decodedElements(mlir::Value value);

/// Whether kernels take the weight (K × N, or N × K where `transposed`) as codes: of at most 4 bits with any zero points, or integers that
/// fit 8 bits less theirs, and scales that are constant per tensor, column or group along K.
bool hasPackedForm(qir::DequantizeOp weight, bool transposed);

/// Such a weight: codes K × N, scales groups × N. Codes of more than 4 bits are less their zero points, others are 0 to 15 and less `zeros`.
struct ScaledCodes {
  Matrix<int8_t> codes;
  Matrix<float> scales;
  Matrix<float> zeros; ///< groups × N; no elements: 8
  int64_t group; ///< elements along K that share a scale
};
/// Whether two codes of the weight fit a byte.
bool hasNibbles(qir::DequantizeOp weight);
ScaledCodes scaledCodes(qir::DequantizeOp weight, bool transposed, float factor);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_DECODEDWEIGHTS_H
