//===- RoundingTraining.cpp - Roundings learned by gradient ----------------===//

#include "qopt/Numerics/Quantizers/RoundingTraining.h"

#include <algorithm>
#include <cassert>

namespace qopt {

namespace {

/// How much of the way from the code to the weight a position starts.
constexpr float kTowardsWeight = 0.5f;
/// Slopes by positions are as small as weights are many; Adam goes by their ratios alone.
constexpr AdamOptions kPositionSteps{.epsilon = 1e-30};

} // namespace

/// Calls body(element, scale) for all elements.
template <typename Body> void RoundingTraining::forEachElement(Body &&body) const {
  start.grid.forEachRun([&](const BlockGrid::Run &run) {
    for (int64_t i = 0; i < run.count; ++i)
      body(run.begin + i, run.scale + i * run.scaleStride);
  });
}

RoundingTraining::RoundingTraining(std::span<const float> weight, CodesToTrain codes)
    : start(std::move(codes)), positions(weight.size()), factors(start.scales.size(), 1.0f), positionSteps(weight.size(), kPositionSteps),
      factorSteps(start.scales.size()) {
  assert(start.codes.size() == weight.size() && (start.zeroPoints.empty() || start.zeroPoints.size() == start.scales.size()));
  start.zeroPoints.resize(start.scales.size());
  forEachElement([&](int64_t i, int64_t scale) {
    float code = start.codes[i], wanted = start.scales[scale] == 0 ? code : weight[i] / start.scales[scale] + start.zeroPoints[scale];
    positions[i] = code + kTowardsWeight * (std::clamp(wanted, code - 0.5f, code + 0.5f) - code);
  });
}

void RoundingTraining::values(std::span<float> out) const {
  forEachElement([&](int64_t i, int64_t scale) {
    out[i] = (roundSmall(positions[i]) - start.zeroPoints[scale]) * (start.scales[scale] * factors[scale]);
  });
}

void RoundingTraining::step(std::span<const float> gradient, double positionRate, double scaleRate) {
  std::vector<float> slopes(positions.size());
  std::vector<double> factorSlopes(factors.size());
  forEachElement([&](int64_t i, int64_t scale) {
    slopes[i] = gradient[i] * start.scales[scale];
    factorSlopes[scale] += static_cast<double>(slopes[i]) * (roundSmall(positions[i]) - start.zeroPoints[scale]);
  });
  if (scaleRate > 0)
    factorSteps.step(factors, std::vector<float>(factorSlopes.begin(), factorSlopes.end()), scaleRate);
  if (positionRate == 0)
    return;
  positionSteps.step(positions, slopes, positionRate);
  auto low = static_cast<float>(start.range.low), high = static_cast<float>(start.range.high);
  for (size_t i = 0; i < positions.size(); ++i)
    positions[i] = std::clamp(positions[i], std::max(low, start.codes[i] - 1), std::min(high, start.codes[i] + 1));
}

std::vector<float> RoundingTraining::codes() const {
  std::vector<float> rounded(positions.size());
  std::transform(positions.begin(), positions.end(), rounded.begin(), roundSmall);
  return rounded;
}

std::vector<float> RoundingTraining::scales() const {
  std::vector<float> scales = start.scales;
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] *= factors[i];
  return scales;
}

int64_t RoundingTraining::changedCodes() const {
  int64_t changed = 0;
  for (size_t i = 0; i < positions.size(); ++i)
    changed += roundSmall(positions[i]) != start.codes[i];
  return changed;
}

} // namespace qopt
