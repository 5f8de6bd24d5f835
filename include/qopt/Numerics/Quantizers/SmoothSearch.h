//===- SmoothSearch.h - Choosing SmoothQuant's scales by expected error ------===//
//
// SmoothQuant (Xiao et al. 2022) divides activation channel c by s_c and multiplies weight row c by it. How much to move is a
// trade: here the expected output error of the linears that share the activation is minimized over a fixed grid of alphas.
//
// With rounding noise uniform and independent, a token's expected squared output error is, for one per-tensor activation step
// d = (max_c hi_c/s_c - min_c lo_c/s_c) / levels and weight steps t_n = max_c |s_c W_cn| / 127,
//
//   E = d^2/12 * sum_cn (s_c W_cn)^2  +  sum_n t_n^2/12 * sum_c meanSquare_c / s_c^2.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_SMOOTHSEARCH_H
#define QOPT_NUMERICS_QUANTIZERS_SMOOTHSEARCH_H

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

/// Per input channel, over all calibration tokens; all of one length.
struct ChannelStats {
  std::span<const float> min, max, meanSquare;
};

/// One linear's weight: element (channel c, output n) at data[c * channelStride + n * outputStride].
struct WeightView {
  const float *data;
  int64_t channels, outputs, channelStride, outputStride;
};

struct SmoothChoice {
  std::vector<float> scales; ///< s_c; all one where nothing beats leaving the channels alone
  double alpha = 0;
  bool floored = false;     ///< small channels were lifted to the median magnitude
  double errorBefore = 0;   ///< E with s = 1
  double errorAfter = 0;    ///< E with the chosen scales
};

struct SmoothGrid {
  double levels = 255;         ///< steps of the activation's format
  double weightTop = 127;      ///< greatest weight code
  double alphaStep = 0.05;     ///< grid 0, step, …, 1, each with and without the floor
};

/// Expected error E for given scales (length: channels).
double smoothError(const ChannelStats &stats, std::span<const WeightView> weights, std::span<const float> scales,
                   const SmoothGrid &grid);

/// s_c = m_c^a / w_c^(1-a), normalized to geometric mean one; m_c = max(|min_c|, |max_c|), w_c = max over the linears.
std::vector<float> smoothScales(const ChannelStats &stats, std::span<const WeightView> weights, double alpha, bool floored);

/// The best scales of the grid; ties go to the smaller alpha, then to no floor.
SmoothChoice searchSmoothScales(const ChannelStats &stats, std::span<const WeightView> weights, const SmoothGrid &grid = {});

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_SMOOTHSEARCH_H
