//===- Tiles.h - Weights in the order that kernels read them -----*- C++ -*-===//
//
// A matrix B of [K, N] (K summed over) becomes [ceil(N / nr)][ceil(K / kr)][nr][kr]: panels of nr columns, in each the
// steps of kr values of K that one instruction consumes. Elements past the edges are zero. Packing and unpacking are inverses.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_PACKING_TILES_H
#define QOPT_NUMERICS_PACKING_TILES_H

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

struct TileLayout {
  int64_t k, n;   ///< the matrix
  int64_t kr, nr; ///< the tile
  int64_t panels() const { return (n + nr - 1) / nr; }
  int64_t steps() const { return (k + kr - 1) / kr; }
  int64_t packedSize() const { return panels() * steps() * nr * kr; }
  /// Where element (row of K, column of N) lies.
  int64_t offset(int64_t row, int64_t column) const {
    return ((column / nr * steps() + row / kr) * nr + column % nr) * kr + row % kr;
  }
};

/// How the unpacked matrix lies: [K, N] as ONNX MatMul has it, or [N, K] as Gemm with transB and checkpoints have it.
enum class MatrixOrder : uint8_t { KN, NK };

/// T: int8_t, uint8_t, int16_t, uint16_t, int32_t, float. Sizes must be k * n and packedSize().
template <typename T>
void packTiles(std::span<const T> matrix, MatrixOrder order, const TileLayout &layout, std::span<T> packed);
template <typename T>
void unpackTiles(std::span<const T> packed, const TileLayout &layout, MatrixOrder order, std::span<T> matrix);

/// Sum over K of each column: what a kernel multiplies by the activation's zero point (or by the 128 that turns s8 into u8).
std::vector<int32_t> columnSums(std::span<const int8_t> matrix, MatrixOrder order, int64_t k, int64_t n);

/// [rows, cols] to [cols, rows].
template <typename T> void transpose(std::span<const T> in, int64_t rows, int64_t cols, std::span<T> out);

} // namespace qopt

#endif // QOPT_NUMERICS_PACKING_TILES_H
