#include "qopt/Numerics/Quantizers/SmoothSearch.h"

#include <algorithm>
#include <cmath>

using namespace qopt;

namespace {

std::vector<double> magnitudes(const ChannelStats &stats) {
  std::vector<double> m(stats.min.size());
  for (size_t c = 0; c < m.size(); ++c)
    m[c] = std::max(std::fabs(double(stats.min[c])), std::fabs(double(stats.max[c])));
  return m;
}

void liftToMedian(std::vector<double> &m) {
  std::vector<double> sorted = m;
  auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  for (double &value : m)
    value = std::max(value, *middle);
}

std::vector<double> channelMax(std::span<const WeightView> weights, size_t channels) {
  std::vector<double> w(channels);
  for (const WeightView &view : weights)
    for (int64_t c = 0; c < view.channels; ++c)
      for (int64_t n = 0; n < view.outputs; ++n)
        w[c] = std::max(w[c], std::fabs(double(view.data[c * view.channelStride + n * view.outputStride])));
  return w;
}

/// What does not depend on the activation's statistics: sum (s W)^2 and sum_n t_n^2.
struct WeightTerms {
  double energy = 0, stepSquares = 0;
};

WeightTerms weightTerms(const WeightView &view, std::span<const float> scales, double top) {
  std::vector<double> greatest(view.outputs);
  WeightTerms terms;
  for (int64_t c = 0; c < view.channels; ++c)
    for (int64_t n = 0; n < view.outputs; ++n) {
      double v = std::fabs(double(scales[c]) * view.data[c * view.channelStride + n * view.outputStride]);
      terms.energy += v * v;
      greatest[n] = std::max(greatest[n], v);
    }
  for (double g : greatest)
    terms.stepSquares += (g / top) * (g / top);
  return terms;
}

} // namespace

double qopt::smoothError(const ChannelStats &stats, std::span<const WeightView> weights, std::span<const float> scales,
                         const SmoothGrid &grid) {
  double low = 0, high = 0, moment = 0;
  for (size_t c = 0; c < scales.size(); ++c) {
    low = std::min(low, double(stats.min[c]) / scales[c]);
    high = std::max(high, double(stats.max[c]) / scales[c]);
    moment += stats.meanSquare[c] / (double(scales[c]) * scales[c]);
  }
  double step = (high - low) / grid.levels, error = 0;
  for (const WeightView &view : weights) {
    WeightTerms terms = weightTerms(view, scales, grid.weightTop);
    error += (step * step * terms.energy + terms.stepSquares * moment) / 12;
  }
  return error;
}

std::vector<float> qopt::smoothScales(const ChannelStats &stats, std::span<const WeightView> weights, double alpha,
                                      bool floored) {
  std::vector<double> m = magnitudes(stats), w = channelMax(weights, m.size());
  if (floored)
    liftToMedian(m);
  std::vector<double> logs(m.size());
  double sum = 0;
  int64_t live = 0;
  for (size_t c = 0; c < m.size(); ++c) {
    if (!(m[c] > 0) || !(w[c] > 0) || !std::isfinite(m[c]) || !std::isfinite(w[c]))
      continue; // A dead channel keeps s = 1.
    logs[c] = alpha * std::log(m[c]) - (1 - alpha) * std::log(w[c]);
    sum += logs[c];
    ++live;
  }
  double mean = live ? sum / live : 0;
  std::vector<float> scales(m.size(), 1.0f);
  for (size_t c = 0; c < m.size(); ++c)
    if (m[c] > 0 && w[c] > 0 && std::isfinite(m[c]) && std::isfinite(w[c]))
      scales[c] = static_cast<float>(std::clamp(std::exp(logs[c] - mean), 1e-5, 1e5));
  return scales;
}

SmoothChoice qopt::searchSmoothScales(const ChannelStats &stats, std::span<const WeightView> weights,
                                      const SmoothGrid &grid) {
  SmoothChoice best;
  best.scales.assign(stats.min.size(), 1.0f);
  best.errorBefore = best.errorAfter = smoothError(stats, weights, best.scales, grid);
  for (int i = 0; i * grid.alphaStep <= 1 + 1e-9; ++i)
    for (bool floored : {false, true}) {
      std::vector<float> scales = smoothScales(stats, weights, i * grid.alphaStep, floored);
      double error = smoothError(stats, weights, scales, grid);
      if (error < best.errorAfter)
        best = {std::move(scales), i * grid.alphaStep, floored, best.errorBefore, error};
    }
  return best;
}
