//===- Hadamard.h - Orthogonal rotations that spread outliers ----*- C++ -*-===//
//
// Q = diag(signs) blockdiag(H_b / sqrt(b)) with Walsh-Hadamard blocks of a power of two, orthogonal: x' = x Q and W' = W Q
// (both along K) leave W x as it is (QuaRot, Ashkboos et al. 2024). Dims that are no power of two take the greatest one that
// divides them as block.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_HADAMARD_H
#define QOPT_NUMERICS_QUANTIZERS_HADAMARD_H

#include "qopt/Numerics/Formats/BlockScaled.h"

#include <span>
#include <vector>

namespace qopt {

/// The greatest power of two that divides `size`.
int64_t hadamardBlock(int64_t size);

/// +1 and -1, the same for the same seed anywhere (SplitMix64).
std::vector<float> randomSigns(int64_t count, uint64_t seed);

/// Each row v of x [rows, cols] becomes v Q. `signs` is empty (all +1) or of cols.
void rotateRows(std::span<float> x, RowShape shape, std::span<const float> signs, int64_t block);
/// Each row v becomes v Q^T, which undoes rotateRows.
void rotateRowsBack(std::span<float> x, RowShape shape, std::span<const float> signs, int64_t block);
/// Each column v becomes Q^T v: the rotation of a layer's outputs.
void rotateColumns(std::span<float> x, RowShape shape, std::span<const float> signs, int64_t block);

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_HADAMARD_H
