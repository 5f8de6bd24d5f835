//===- Awq.cpp - Activation-aware scales and clips ------------------------===//

#include "qopt/Numerics/Quantizers/Awq.h"
#include "qopt/Numerics/LinAlg/LinAlg.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace qopt {
namespace {

using linalg::Transpose;

int64_t groupLength(RowShape shape, int64_t groupSize) {
  return groupSize == 0 ? std::max<int64_t>(shape.cols, 1) : groupSize;
}

/// At most `limit` rows, evenly spaced.
std::vector<float> sampleRows(std::span<const float> weight, RowShape shape, int64_t limit, RowShape &sampled) {
  int64_t count = std::min(limit, shape.rows);
  sampled = {count, shape.cols};
  std::vector<float> rows;
  rows.reserve(count * shape.cols);
  for (int64_t i = 0; i < count; ++i) {
    auto row = weight.subspan(i * shape.rows / count * shape.cols, shape.cols);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

/// sum_n d_n^T H d_n
double quadraticForm(std::span<const float> d, RowShape shape, std::span<const float> h) {
  std::vector<float> product(d.size());
  linalg::multiply<float>(1, {d.data(), shape.rows, shape.cols, shape.cols}, Transpose::No,
                          {h.data(), shape.cols, shape.cols, shape.cols}, Transpose::No, 0,
                          {product.data(), shape.rows, shape.cols, shape.cols});
  double sum = 0;
  for (size_t i = 0; i < d.size(); ++i)
    sum += static_cast<double>(d[i]) * product[i];
  return sum;
}

/// Q(W s) / s - W
std::vector<float> scaledError(std::span<const float> weight, RowShape shape, std::span<const float> scales,
                               const AwqOptions &options) {
  std::vector<float> scaled(weight.begin(), weight.end());
  for (size_t i = 0; i < scaled.size(); ++i)
    scaled[i] *= scales[i % shape.cols];
  BlockGrid grid = BlockGrid::perGroup({shape.rows, shape.cols}, 1, groupLength(shape, options.groupSize));
  auto params = paramsFromValues(scaled, grid, options.affine);
  if (!params) // an overflow of the scaling: as bad as can be
    return std::vector<float>(scaled.size(), std::numeric_limits<float>::max());
  fakeQuantize(scaled, grid, *params, options.affine.range, scaled);
  for (size_t i = 0; i < scaled.size(); ++i)
    scaled[i] = scaled[i] / scales[i % shape.cols] - weight[i];
  return scaled;
}

/// Rows that the clip search takes at once.
constexpr int64_t clipRows = 256;

} // namespace

std::vector<float> awqMeanWeight(std::span<const float> weight, RowShape shape, int64_t groupSize) {
  int64_t length = groupLength(shape, groupSize);
  std::vector<double> sums(shape.cols, 0.0);
  for (int64_t n = 0; n < shape.rows; ++n)
    for (int64_t g = 0; g < shape.cols; g += length) {
      auto group = weight.subspan(n * shape.cols + g, std::min(length, shape.cols - g));
      float greatest = 0;
      for (float value : group)
        greatest = std::max(greatest, std::fabs(value));
      for (size_t i = 0; greatest > 0 && i < group.size(); ++i)
        sums[g + i] += std::fabs(group[i]) / greatest;
    }
  std::vector<float> means(shape.cols);
  for (int64_t k = 0; k < shape.cols; ++k)
    means[k] = static_cast<float>(sums[k] / static_cast<double>(std::max<int64_t>(shape.rows, 1)));
  return means;
}

std::vector<float> awqScalesAt(std::span<const float> meanAbsActivation, std::span<const float> meanWeight, double ratio,
                               bool divideByWeights) {
  std::vector<double> s(meanAbsActivation.size());
  for (size_t k = 0; k < s.size(); ++k) {
    s[k] = std::pow(static_cast<double>(meanAbsActivation[k]), ratio);
    if (divideByWeights)
      s[k] /= std::pow(static_cast<double>(meanWeight[k]), 1 - ratio) + 1e-4;
    s[k] = std::max(s[k], 1e-4);
  }
  auto [least, greatest] = std::minmax_element(s.begin(), s.end());
  double middle = s.empty() ? 1 : std::sqrt(*least * *greatest);
  std::vector<float> scales(s.size());
  std::transform(s.begin(), s.end(), scales.begin(), [&](double value) { return static_cast<float>(value / middle); });
  return scales;
}

Result<AwqScales> awqScales(std::span<const float> weight, RowShape shape, std::span<const float> meanAbsActivation,
                            std::span<const double> hessian, const AwqOptions &options, const ParallelFor &parallelFor) {
  assert(static_cast<int64_t>(weight.size()) == shape.rows * shape.cols);
  assert(static_cast<int64_t>(hessian.size()) == shape.cols * shape.cols);
  if (Status status = checkFinite(weight); !status)
    return status.failure();
  if (Status status = checkFinite(meanAbsActivation); !status)
    return Failure{"activation means: " + status.error()};
  std::vector<float> h(hessian.begin(), hessian.end());
  RowShape sampled;
  std::vector<float> rows = sampleRows(weight, shape, options.lossRows, sampled);
  std::vector<float> meanWeight = awqMeanWeight(weight, shape, options.groupSize);

  int candidates = 2 * options.steps;
  std::vector<double> errors(candidates + 1);
  auto scalesOf = [&](int64_t index) {
    if (index == 0)
      return std::vector<float>(shape.cols, 1.0f);
    return awqScalesAt(meanAbsActivation, meanWeight, static_cast<double>((index - 1) / 2) / options.steps, index % 2 == 0);
  };
  parallelFor(candidates + 1, [&](int64_t index) {
    bool skipped = index > 0 && index % 2 == 0 && !options.duo;
    errors[index] = skipped ? std::numeric_limits<double>::infinity() : quadraticForm(scaledError(rows, sampled, scalesOf(index), options), sampled, h);
  });
  int64_t best = 0;
  for (int64_t index = 1; index <= candidates; ++index)
    if (errors[index] < errors[best])
      best = index;
  AwqScales result{scalesOf(best), 0, false, errors[0], errors[best]};
  if (best > 0) {
    result.ratio = static_cast<double>((best - 1) / 2) / options.steps;
    result.dividesByWeights = best % 2 == 0;
  }
  return result;
}

Result<GridParams> paramsByHessianClip(std::span<const float> weight, RowShape shape, int64_t groupSize,
                                       std::span<const double> hessian, const AffineOptions &affine,
                                       const ClipSearch &search, const ParallelFor &parallelFor) {
  assert(static_cast<int64_t>(hessian.size()) == shape.cols * shape.cols);
  if (Status status = checkFinite(weight); !status)
    return status.failure();
  int64_t length = groupLength(shape, groupSize), groups = (shape.cols + length - 1) / length;
  int64_t rowBlocks = (shape.rows + clipRows - 1) / clipRows;
  GridParams params{std::vector<float>(shape.rows * groups), std::vector<float>(shape.rows * groups)};
  parallelFor(groups * rowBlocks, [&](int64_t piece) {
    int64_t g = piece / rowBlocks, first = piece % rowBlocks * clipRows;
    int64_t size = std::min(length, shape.cols - g * length), count = std::min(clipRows, shape.rows - first);
    std::vector<float> h(size * size), values(count * size), difference(count * size), product(count * size);
    for (int64_t i = 0; i < size * size; ++i)
      h[i] = static_cast<float>(hessian[(g * length + i / size) * shape.cols + g * length + i % size]);
    for (int64_t i = 0; i < count * size; ++i)
      values[i] = weight[(first + i / size) * shape.cols + g * length + i % size];
    std::vector<double> least(count, std::numeric_limits<double>::infinity());
    for (const ClipCandidate &clip : clipCandidates(search, affine)) {
      GridParams candidate{std::vector<float>(count), std::vector<float>(count)};
      for (int64_t r = 0; r < count; ++r) {
        auto [low, high] = std::minmax_element(values.begin() + r * size, values.begin() + (r + 1) * size);
        AffineParams one = paramsOfClip(*low, *high, clip, affine);
        candidate.scales[r] = one.scale;
        candidate.zeroPoints[r] = one.zeroPoint;
      }
      fakeQuantize(values, BlockGrid::perAxis({count, size}, 0), candidate, affine.range, difference);
      for (int64_t i = 0; i < count * size; ++i)
        difference[i] -= values[i];
      linalg::multiply<float>(1, {difference.data(), count, size, size}, Transpose::No, {h.data(), size, size, size},
                              Transpose::No, 0, {product.data(), count, size, size});
      for (int64_t r = 0; r < count; ++r) {
        double error = std::inner_product(difference.begin() + r * size, difference.begin() + (r + 1) * size,
                                          product.begin() + r * size, 0.0);
        if (error < least[r]) {
          least[r] = error;
          params.scales[(first + r) * groups + g] = candidate.scales[r];
          params.zeroPoints[(first + r) * groups + g] = candidate.zeroPoints[r];
        }
      }
    }
  });
  return params;
}

void centerHessian(std::span<double> hessian, std::span<const float> mean, double rows) {
  size_t k = mean.size();
  assert(hessian.size() == k * k);
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < k; ++j)
      hessian[i * k + j] -= rows * (static_cast<double>(mean[i]) * mean[j]);
}

void scaleHessian(std::span<double> hessian, std::span<const float> scales) {
  size_t k = scales.size();
  assert(hessian.size() == k * k);
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < k; ++j)
      hessian[i * k + j] /= static_cast<double>(scales[i]) * scales[j];
}

} // namespace qopt
