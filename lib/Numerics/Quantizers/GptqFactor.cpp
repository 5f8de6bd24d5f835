//===- GptqFactor.cpp - The triangular factor that GPTQ solves with -------===//

#include "GptqFactor.h"
#include "qopt/Numerics/LinAlg/LinAlg.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace qopt {
namespace {

/// Reorders rows and columns, in place but for one row and one column order at a time.
void permute(std::span<double> h, std::span<const int64_t> order, const ParallelFor &parallelFor) {
  int64_t n = static_cast<int64_t>(order.size());
  bool identity = true;
  for (int64_t i = 0; i < n; ++i)
    identity &= order[i] == i;
  if (identity)
    return;
  parallelFor(n, [&](int64_t row) {
    std::vector<double> copy(h.begin() + row * n, h.begin() + (row + 1) * n);
    for (int64_t i = 0; i < n; ++i)
      h[row * n + i] = copy[order[i]];
  });
  // Rows: follow the cycles, a row at a time.
  std::vector<bool> done(n, false);
  std::vector<double> saved(n);
  for (int64_t start = 0; start < n; ++start) {
    if (done[start])
      continue;
    std::copy_n(h.begin() + start * n, n, saved.begin());
    int64_t place = start;
    for (; order[place] != start; place = order[place]) {
      std::copy_n(h.begin() + order[place] * n, n, h.begin() + place * n);
      done[place] = true;
    }
    std::copy_n(saved.begin(), n, h.begin() + place * n);
    done[place] = true;
  }
}

/// Lower triangle from the upper one, which factorization leaves alone.
void restoreLower(std::span<double> h, std::span<const double> diagonal, double shift, const ParallelFor &parallelFor) {
  int64_t n = static_cast<int64_t>(diagonal.size());
  constexpr int64_t block = 64;
  parallelFor((n + block - 1) / block, [&](int64_t index) {
    int64_t first = index * block, last = std::min(n, first + block);
    for (int64_t c0 = 0; c0 < last; c0 += block)
      for (int64_t r = first; r < last; ++r)
        for (int64_t c = c0; c < std::min(c0 + block, r); ++c)
          h[r * n + c] = h[c * n + r];
    for (int64_t r = first; r < last; ++r)
      h[r * n + r] = diagonal[r] + shift;
  });
}

/// L was computed of H with rows and columns reversed, so that R_ij = L_{n-1-i, n-1-j}.
void fillPanels(std::span<const double> h, GptqFactor &factor, const ParallelFor &parallelFor) {
  int64_t n = factor.size, count = (n + factor.block - 1) / factor.block;
  factor.panels.resize(count);
  factor.diagonal.resize(n);
  for (int64_t i = 0; i < n; ++i)
    factor.diagonal[i] = h[(n - 1 - i) * (n + 1)];
  parallelFor(count, [&](int64_t b) {
    int64_t width = factor.panelWidth(b), first = b * factor.block;
    factor.panels[b].assign((first + width) * width, 0.0f);
    for (int64_t row = 0; row < first + width; ++row)
      for (int64_t col = std::max<int64_t>(0, row - first); col < width; ++col) {
        double value = h[(n - 1 - row) * n + (n - 1 - first - col)];
        factor.panels[b][row * width + col] = static_cast<float>(value / factor.diagonal[first + col]);
      }
  });
}

} // namespace

Result<GptqFactor> factorHessian(std::span<double> h, std::span<const int64_t> order, double dampening, int tries,
                                 int64_t block, const ParallelFor &parallelFor) {
  int64_t n = static_cast<int64_t>(order.size());
  GptqFactor factor{n, block, {}, {}, 0, 0};
  permute(h, order, parallelFor);
  std::reverse(h.begin(), h.end()); // both rows and columns
  std::vector<double> diagonal(n);
  double sum = 0;
  int64_t live = 0;
  for (int64_t i = 0; i < n; ++i) {
    diagonal[i] = h[i * (n + 1)];
    if (!std::isfinite(diagonal[i]) || diagonal[i] < 0)
      return Failure{"the Hessian's diagonal holds a value that is negative or not finite: the calibration data is damaged"};
    sum += diagonal[i];
    live += diagonal[i] > 0;
  }
  double mean = live ? sum / static_cast<double>(live) : 1;
  std::replace(diagonal.begin(), diagonal.end(), 0.0, mean);
  double fraction = dampening;
  for (int attempt = 1; attempt <= tries; ++attempt, fraction = fraction > 0 ? fraction * 10 : 0.01) {
    restoreLower(h, diagonal, fraction * mean, parallelFor);
    if (!linalg::cholesky(h, n, parallelFor))
      continue;
    factor.dampening = fraction;
    factor.tries = attempt;
    fillPanels(h, factor, parallelFor);
    return factor;
  }
  std::ostringstream message;
  message << "the Hessian is not positive definite with dampening from " << dampening << " in " << tries
          << " steps of ten times: use more calibration samples or a greater dampening";
  return Failure{message.str()};
}

} // namespace qopt
