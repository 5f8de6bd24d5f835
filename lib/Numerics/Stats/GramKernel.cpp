//===- GramKernel.cpp - Tiles of the exact Gram matrix --------------------===//

#include "GramKernel.h"

#include <algorithm>

namespace qopt {
namespace {

using TileFunction = void (*)(const double *, const double *, int64_t, int64_t, double *);

/// Rows x (vectors * lanes) accumulators held in registers over `count` steps.
template <int lanes, int rows, int vectors>
[[gnu::always_inline]] inline void addBlock(const double *a, const double *b, int64_t count, double *c) {
#pragma STDC FP_CONTRACT ON
  typedef double Vector __attribute__((vector_size(lanes * sizeof(double)), aligned(8), may_alias));
  Vector sums[rows][vectors];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v)
      sums[r][v] = *reinterpret_cast<const Vector *>(c + r * gramTile + v * lanes);
  for (int64_t t = 0; t < count; ++t, a += gramPanel, b += gramPanel)
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < vectors; ++v)
        sums[r][v] = a[r] * *reinterpret_cast<const Vector *>(b + v * lanes) + sums[r][v];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v)
      *reinterpret_cast<Vector *>(c + r * gramTile + v * lanes) = sums[r][v];
}

template <int lanes, int rows, int vectors>
[[gnu::always_inline]] inline void addTile(const double *a, const double *b, int64_t count, int64_t panelStride, double *c) {
  constexpr int64_t steps = 32; // a tile of them stays in the first-level cache
  for (int64_t t = 0; t < count; t += steps)
    for (int64_t j = 0; j < gramTile; j += lanes * vectors)
      for (int64_t i = 0; i < gramTile; i += rows)
        addBlock<lanes, rows, vectors>(a + i / gramPanel * panelStride + t * gramPanel + i % gramPanel,
                                       b + j / gramPanel * panelStride + t * gramPanel + j % gramPanel,
                                       std::min(steps, count - t), c + i * gramTile + j);
}

void addTileGeneric(const double *a, const double *b, int64_t count, int64_t panelStride, double *c) {
  addTile<2, 4, 3>(a, b, count, panelStride, c);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void addTileAvx2(const double *a, const double *b, int64_t count, int64_t panelStride,
                                             double *c) {
  addTile<4, 6, 2>(a, b, count, panelStride, c);
}
[[gnu::target("avx512f")]] void addTileAvx512(const double *a, const double *b, int64_t count, int64_t panelStride,
                                              double *c) {
  addTile<8, 8, 3>(a, b, count, panelStride, c);
}

TileFunction chooseTile() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f"))
    return addTileAvx512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? addTileAvx2 : addTileGeneric;
}
#else
TileFunction chooseTile() { return addTileGeneric; }
#endif

} // namespace

void addGramTile(const double *a, const double *b, int64_t count, int64_t panelStride, double *c) {
  static const TileFunction function = chooseTile();
  function(a, b, count, panelStride, c);
}

} // namespace qopt
