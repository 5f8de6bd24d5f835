//===- WeightedClip.cpp - Clips by the error that inputs make of them ----===//

#include "qopt/Numerics/Quantizers/Scales.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qopt {
namespace {

/// Rows that one piece of work takes.
constexpr int64_t rowsAtOnce = 64;

double weightedError(std::span<const float> x, std::span<const double> weights, AffineParams params, IntRange range) {
  Lattice lattice(params.scale, params.zeroPoint, range);
  double parts[8] = {};
  for (size_t i = 0; i < x.size(); ++i) {
    double error = lattice.nearest(x[i]) - x[i];
    parts[i % 8] += weights[i] * error * error;
  }
  return ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
}

AffineParams bestClip(std::span<const float> x, std::span<const double> weights, std::span<const ClipCandidate> clips,
                      const AffineOptions &options) {
  auto [low, high] = std::minmax_element(x.begin(), x.end());
  double min = *low, max = *high, least = std::numeric_limits<double>::infinity();
  AffineParams best = paramsFromRange(min, max, options);
  for (const ClipCandidate &clip : clips) {
    AffineParams candidate = paramsOfClip(min, max, clip, options);
    double error = weightedError(x, weights, candidate, options.range);
    if (error < least) {
      least = error;
      best = candidate;
    }
  }
  return best;
}

} // namespace

Result<GridParams> paramsByWeightedClip(std::span<const float> weight, int64_t rows, int64_t cols, int64_t groupSize,
                                        std::span<const double> columnWeights, const AffineOptions &options,
                                        const ClipSearch &search, const ParallelFor &parallelFor) {
  assert(static_cast<int64_t>(weight.size()) == rows * cols && static_cast<int64_t>(columnWeights.size()) == cols);
  if (Status status = checkFinite(weight); !status)
    return status.failure();
  int64_t length = groupSize == 0 ? std::max<int64_t>(cols, 1) : groupSize, groups = (cols + length - 1) / length;
  std::vector<ClipCandidate> clips = clipCandidates(search, options);
  GridParams params{std::vector<float>(rows * groups), std::vector<float>(rows * groups)};
  parallelFor((rows + rowsAtOnce - 1) / rowsAtOnce, [&](int64_t piece) {
    for (int64_t r = piece * rowsAtOnce; r < std::min(rows, (piece + 1) * rowsAtOnce); ++r)
      for (int64_t g = 0; g < groups; ++g) {
        int64_t begin = g * length, size = std::min(length, cols - begin);
        AffineParams one = bestClip(weight.subspan(r * cols + begin, size), columnWeights.subspan(begin, size), clips, options);
        params.scales[r * groups + g] = one.scale;
        params.zeroPoints[r * groups + g] = one.zeroPoint;
      }
  });
  return params;
}

} // namespace qopt
