//===- Hqq.cpp - Half-quadratic zero points -------------------------------===//

#include "qopt/Numerics/Quantizers/Rounding.h"

#include <algorithm>
#include <cmath>

namespace qopt {
namespace {

/// The generalized soft threshold: argmin_e |e|^p + beta/2 (e - x)^2, as the paper approximates it.
double shrink(double x, double beta, double power) {
  double size = std::fabs(x);
  if (size == 0)
    return 0;
  return std::copysign(std::max(size - std::pow(size, power - 1) / beta, 0.0), x);
}

/// Sums by box over one pass.
struct BoxSums {
  std::vector<double> zero, error;
  std::vector<int64_t> count;
};

} // namespace

Result<HqqParams> hqq(std::span<const float> x, const BlockGrid &grid, const HqqOptions &options) {
  AffineOptions affine{options.range, /*symmetric=*/false};
  affine.fractionalZero = options.fractionalZero;
  auto start = paramsFromValues(x, grid, affine);
  if (!start)
    return start.failure();
  size_t boxes = start->scales.size();
  HqqParams result{start->scales, std::vector<float>(start->zeroPoints.begin(), start->zeroPoints.end())};
  std::vector<double> zero(start->zeroPoints.begin(), start->zeroPoints.end());
  std::vector<double> least(boxes, INFINITY);
  double low = static_cast<double>(options.range.low), high = static_cast<double>(options.range.high);
  double beta = options.beta;
  for (int iteration = 0; iteration <= options.iterations; ++iteration, beta *= options.growth) {
    BoxSums sums{std::vector<double>(boxes), std::vector<double>(boxes), std::vector<int64_t>(boxes)};
    grid.forEachRun([&](BlockGrid::Run run) {
      for (int64_t i = 0; i < run.count; ++i) {
        int64_t box = run.scale + i * run.scaleStride;
        double value = x[run.begin + i], scale = result.scales[box];
        double q = std::clamp(std::nearbyint(value / scale + zero[box]), low, high);
        double error = value - (q - zero[box]) * scale;
        sums.zero[box] += q - (value - shrink(error, beta, options.power)) / scale;
        sums.error[box] += std::fabs(error);
        ++sums.count[box];
      }
    });
    for (size_t box = 0; box < boxes; ++box) {
      double error = sums.error[box] / static_cast<double>(sums.count[box]);
      if (error < least[box]) {
        least[box] = error;
        result.zeroPoints[box] = static_cast<float>(zero[box]);
      }
      zero[box] = sums.zero[box] / static_cast<double>(sums.count[box]);
    }
  }
  return result;
}

} // namespace qopt
