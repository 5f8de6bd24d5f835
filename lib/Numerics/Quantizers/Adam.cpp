//===- Adam.cpp - Gradient descent with moments ---------------------------===//

#include "qopt/Numerics/Quantizers/Adam.h"

#include <cassert>
#include <cmath>
#include <numbers>

namespace qopt {

void Adam::step(std::span<float> x, std::span<const float> gradient, double rate) {
  assert(x.size() == mean.size() && gradient.size() == mean.size());
  ++steps;
  double firstBias = 1 - std::pow(options.first, static_cast<double>(steps)), secondBias = 1 - std::pow(options.second, static_cast<double>(steps));
  for (size_t i = 0; i < x.size(); ++i) {
    double g = gradient[i];
    mean[i] = options.first * mean[i] + (1 - options.first) * g;
    square[i] = options.second * square[i] + (1 - options.second) * g * g;
    x[i] = static_cast<float>(x[i] - rate * (mean[i] / firstBias) / (std::sqrt(square[i] / secondBias) + options.epsilon));
  }
}

double cosineRate(double rate, int64_t step, int64_t steps) {
  return rate / 2 * (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(steps)));
}

} // namespace qopt
