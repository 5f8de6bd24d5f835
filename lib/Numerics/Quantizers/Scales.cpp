//===- Scales.cpp - Scales and zero points from ranges and weights --------===//

#include "qopt/Numerics/Quantizers/Scales.h"
#include "qopt/Numerics/Formats/Rounding.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qopt {
namespace {

double finite(double value) {
  constexpr double limit = std::numeric_limits<float>::max();
  return std::isnan(value) ? 0 : std::clamp(value, -limit, limit);
}

float scaleOf(double width, double levels, const AffineOptions &options) {
  if (width == 0)
    return std::max(1.0f, options.minScale);
  return std::max(static_cast<float>(width / levels), options.minScale);
}

struct Bounds {
  std::vector<float> low, high;
};

/// Least and greatest value of every box.
Bounds boundsOf(std::span<const float> x, const BlockGrid &grid) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Bounds bounds{std::vector<float>(grid.scaleCount(), infinity), std::vector<float>(grid.scaleCount(), -infinity)};
  grid.forEachRun([&](BlockGrid::Run run) {
    for (int64_t i = 0; i < run.count; ++i) {
      int64_t box = run.scale + i * run.scaleStride;
      bounds.low[box] = std::min(bounds.low[box], x[run.begin + i]);
      bounds.high[box] = std::max(bounds.high[box], x[run.begin + i]);
    }
  });
  return bounds;
}

GridParams paramsOf(const Bounds &bounds, const ClipCandidate &clip, const AffineOptions &options) {
  GridParams params;
  params.scales.resize(bounds.low.size());
  params.zeroPoints.resize(bounds.low.size());
  for (size_t i = 0; i < bounds.low.size(); ++i) {
    bool isEmpty = bounds.low[i] > bounds.high[i];
    AffineParams one = paramsOfClip(isEmpty ? 0 : bounds.low[i], isEmpty ? 0 : bounds.high[i], clip, options);
    params.scales[i] = one.scale;
    params.zeroPoints[i] = one.zeroPoint;
  }
  return params;
}

double square(double value) { return value * value; }

/// Sum of squared errors in eight interleaved parts, an order that vectorizes and does not change.
double squaredError(std::span<const float> x, Lattice lattice) {
  double parts[8] = {};
  size_t i = 0;
  for (; i + 8 <= x.size(); i += 8)
    for (size_t lane = 0; lane < 8; ++lane)
      parts[lane] += square(lattice.nearest(x[i + lane]) - x[i + lane]);
  for (; i < x.size(); ++i)
    parts[0] += square(lattice.nearest(x[i]) - x[i]);
  return ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
}

std::vector<double> squaredErrors(std::span<const float> x, const BlockGrid &grid, const GridParams &params,
                                  IntRange range) {
  std::vector<double> errors(grid.scaleCount(), 0.0);
  auto latticeOf = [&](int64_t box) { return Lattice(params.scales[box], params.zeroPoints[box], range); };
  grid.forEachRun([&](BlockGrid::Run run) {
    if (run.scaleStride == 0)
      errors[run.scale] += squaredError(x.subspan(run.begin, run.count), latticeOf(run.scale));
    else
      for (int64_t i = 0; i < run.count; ++i)
        errors[run.scale + i] += square(latticeOf(run.scale + i).nearest(x[run.begin + i]) - x[run.begin + i]);
  });
  return errors;
}

} // namespace

/// Both ends are met exactly.
static AffineParams fractionalParams(double min, double max, const AffineOptions &options) {
  auto [low, high] = options.range;
  constexpr double farthest = 1 << 20;
  double scale = static_cast<double>(scaleOf(max - min, static_cast<double>(high - low), options));
  float kept = std::max(static_cast<float>(scale), static_cast<float>(std::max(std::fabs(min), std::fabs(max)) / farthest));
  return {kept, static_cast<float>(static_cast<double>(low) - min / static_cast<double>(kept))};
}

AffineParams paramsFromRange(double min, double max, const AffineOptions &options) {
  assert(options.range.low < options.range.high);
  if (options.fractionalZero && !options.symmetric)
    return fractionalParams(finite(min), finite(max), options);
  min = std::min(finite(min), 0.0);
  max = std::max(finite(max), 0.0);
  auto [low, high] = options.range;
  double levels = static_cast<double>(high - low);
  if (options.symmetric) {
    int64_t middle = low + (high - low + 1) / 2;
    if (options.top == SymmetricTop::Signed) {
      float scale = scaleOf(std::max(-min, max), static_cast<double>(middle - low), options);
      return {max > -min ? -scale : scale, static_cast<float>(middle)};
    }
    double top = options.top == SymmetricTop::High ? static_cast<double>(high - middle) : levels / 2;
    return {scaleOf(std::max(-min, max), std::max(top, 0.5), options), static_cast<float>(middle)};
  }
  float scale = scaleOf(max - min, levels, options);
  double zero = std::nearbyint(static_cast<double>(low) - min / scale);
  if (min == 0 && max == 0)
    zero = 0;
  return {scale, static_cast<float>(std::clamp(zero, static_cast<double>(low), static_cast<double>(high)))};
}

std::vector<ClipCandidate> clipCandidates(const ClipSearch &search, const AffineOptions &options) {
  bool bothSigns = options.symmetric && options.top == SymmetricTop::Signed;
  auto [low, high] = options.range;
  int64_t middle = low + (high - low + 1) / 2;
  double widest = bothSigns && high > middle ? static_cast<double>(middle - low) / static_cast<double>(high - middle) : 1;
  std::vector<ClipCandidate> clips;
  for (int step = 0; step < search.steps; ++step) {
    double fraction = step == 0 ? widest : widest - (widest - search.least) * step / (search.steps - 1);
    clips.push_back({fraction, false});
    if (bothSigns)
      clips.push_back({fraction, true});
  }
  return clips;
}

AffineParams paramsOfClip(double min, double max, const ClipCandidate &clip, const AffineOptions &options) {
  // Without a zero to keep, the range shrinks towards its own middle.
  double middle = options.fractionalZero && !options.symmetric ? (min + max) / 2 : 0;
  AffineParams params = paramsFromRange(middle + (min - middle) * clip.fraction, middle + (max - middle) * clip.fraction, options);
  if (clip.flip)
    params.scale = -params.scale;
  return params;
}

Status checkFinite(std::span<const float> x) {
  for (size_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i]))
      return Failure{"element " + std::to_string(i) + " is " + (std::isnan(x[i]) ? "NaN" : "infinite") +
                     ": quantization needs finite values"};
  return success();
}

Result<GridParams> paramsFromValues(std::span<const float> x, const BlockGrid &grid, const AffineOptions &options) {
  if (Status status = checkFinite(x); !status)
    return status.failure();
  return paramsOf(boundsOf(x, grid), {}, options);
}

Result<GridParams> paramsByClipSearch(std::span<const float> x, const BlockGrid &grid, const AffineOptions &options,
                                      const ClipSearch &search, const ParallelFor &parallelFor) {
  if (Status status = checkFinite(x); !status)
    return status.failure();
  assert(search.steps >= 1 && search.least > 0 && search.least <= 1);
  Bounds bounds = boundsOf(x, grid);
  std::vector<ClipCandidate> clips = clipCandidates(search, options);
  std::vector<GridParams> candidates(clips.size());
  std::vector<std::vector<double>> errors(clips.size());
  parallelFor(static_cast<int64_t>(clips.size()), [&](int64_t step) {
    candidates[step] = paramsOf(bounds, clips[step], options);
    errors[step] = squaredErrors(x, grid, candidates[step], options.range);
  });
  GridParams best = candidates[0];
  for (int64_t box = 0; box < grid.scaleCount(); ++box) {
    size_t chosen = 0;
    for (size_t step = 1; step < clips.size(); ++step)
      if (errors[step][box] < errors[chosen][box])
        chosen = step;
    best.scales[box] = candidates[chosen].scales[box];
    best.zeroPoints[box] = candidates[chosen].zeroPoints[box];
  }
  return best;
}

void fakeQuantize(std::span<const float> x, const BlockGrid &grid, const GridParams &params, IntRange range,
                  std::span<float> out) {
  assert(x.size() == out.size());
  grid.forEachRun([&](BlockGrid::Run run) {
    for (int64_t i = 0; i < run.count; ++i) {
      int64_t box = run.scale + i * run.scaleStride;
      out[run.begin + i] = Lattice(params.scales[box], params.zeroPoints[box], range).nearest(x[run.begin + i]);
    }
  });
}

} // namespace qopt
