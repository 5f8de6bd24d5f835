//===- GramKernel.h - Tiles of the exact Gram matrix -------------*- C++ -*-===//
#ifndef QOPT_LIB_NUMERICS_STATS_GRAMKERNEL_H
#define QOPT_LIB_NUMERICS_STATS_GRAMKERNEL_H

#include <cstdint>

namespace qopt {

inline constexpr int64_t gramTile = 96, gramPanel = 24, gramPanelsPerTile = gramTile / gramPanel;

/// c[96][96] += a^T b for two runs of four panels, a panel being [count][24] and panels `panelStride` apart. All values are
/// integers whose sums stay below 2^53, so that every order and every instruction set gives the same bits.
void addGramTile(const double *a, const double *b, int64_t count, int64_t panelStride, double *c);

} // namespace qopt

#endif // QOPT_LIB_NUMERICS_STATS_GRAMKERNEL_H
