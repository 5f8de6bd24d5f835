//===- Tiles.cpp - Weights in the order that kernels read them ------------===//

#include "qopt/Numerics/Packing/Tiles.h"

#include <algorithm>
#include <cassert>

namespace qopt {
namespace {

struct Strides {
  int64_t k, n;
};
Strides stridesOf(MatrixOrder order, int64_t k, int64_t n) {
  return order == MatrixOrder::KN ? Strides{n, 1} : Strides{1, k};
}

/// Calls body(matrix index or -1 past the edges) in the packed order.
template <typename Body> void forEachPacked(const TileLayout &layout, MatrixOrder order, Body &&body) {
  Strides stride = stridesOf(order, layout.k, layout.n);
  int64_t steps = layout.steps();
  for (int64_t panel = 0; panel < layout.panels(); ++panel)
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t j = panel * layout.nr; j < (panel + 1) * layout.nr; ++j)
        for (int64_t i = step * layout.kr; i < (step + 1) * layout.kr; ++i)
          body(i < layout.k && j < layout.n ? i * stride.k + j * stride.n : -1);
}

} // namespace

template <typename T>
void packTiles(std::span<const T> matrix, MatrixOrder order, const TileLayout &layout, std::span<T> packed) {
  assert(static_cast<int64_t>(matrix.size()) == layout.k * layout.n);
  assert(static_cast<int64_t>(packed.size()) == layout.packedSize());
  size_t next = 0;
  forEachPacked(layout, order, [&](int64_t index) { packed[next++] = index < 0 ? T{0} : matrix[index]; });
}

template <typename T>
void unpackTiles(std::span<const T> packed, const TileLayout &layout, MatrixOrder order, std::span<T> matrix) {
  assert(static_cast<int64_t>(matrix.size()) == layout.k * layout.n);
  assert(static_cast<int64_t>(packed.size()) == layout.packedSize());
  size_t next = 0;
  forEachPacked(layout, order, [&](int64_t index) {
    if (index >= 0)
      matrix[index] = packed[next];
    ++next;
  });
}

std::vector<int32_t> columnSums(std::span<const int8_t> matrix, MatrixOrder order, int64_t k, int64_t n) {
  assert(static_cast<int64_t>(matrix.size()) == k * n && k <= (int64_t{1} << 24)); // 2^24 * 128 fits
  Strides stride = stridesOf(order, k, n);
  std::vector<int32_t> sums(n, 0);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j)
      sums[j] += matrix[i * stride.k + j * stride.n];
  return sums;
}

template <typename T> void transpose(std::span<const T> in, int64_t rows, int64_t cols, std::span<T> out) {
  assert(static_cast<int64_t>(in.size()) == rows * cols && in.size() == out.size());
  constexpr int64_t block = 32; // both sides stay in cache
  for (int64_t r0 = 0; r0 < rows; r0 += block)
    for (int64_t c0 = 0; c0 < cols; c0 += block)
      for (int64_t r = r0; r < std::min(r0 + block, rows); ++r)
        for (int64_t c = c0; c < std::min(c0 + block, cols); ++c)
          out[c * rows + r] = in[r * cols + c];
}

#define QOPT_INSTANTIATE(T)                                                                                            \
  template void packTiles<T>(std::span<const T>, MatrixOrder, const TileLayout &, std::span<T>);                       \
  template void unpackTiles<T>(std::span<const T>, const TileLayout &, MatrixOrder, std::span<T>);                     \
  template void transpose<T>(std::span<const T>, int64_t, int64_t, std::span<T>);
QOPT_INSTANTIATE(int8_t)
QOPT_INSTANTIATE(uint8_t)
QOPT_INSTANTIATE(int16_t)
QOPT_INSTANTIATE(uint16_t)
QOPT_INSTANTIATE(int32_t)
QOPT_INSTANTIATE(float)
#undef QOPT_INSTANTIATE

} // namespace qopt
