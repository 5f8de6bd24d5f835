//===- Gptq.cpp - Rounding with error feedback ----------------------------===//

#include "qopt/Numerics/Quantizers/Gptq.h"
#include "GptqFactor.h"
#include "qopt/Numerics/LinAlg/LinAlg.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace qopt {
namespace {

using linalg::Transpose;

/// Rows that one piece of work takes through all columns: its errors do not touch other rows.
constexpr int64_t rowsAtOnce = 256;

/// What does not change while columns are quantized.
struct Plan {
  RowShape shape;
  const GptqOptions &options;
  const GptqFactor &factor;
  std::span<const int64_t> order; ///< original column of each place
  int64_t groupSize, groups;
  bool paramsReady; ///< known before the first column, else found when a group starts

  int64_t groupOf(int64_t place) const {
    return (options.actOrder == ActOrder::Dynamic ? place : order[place]) / groupSize;
  }
};

/// A few rows of weights on their way through the columns. Arrays are [column, row], so that work runs along rows.
class RowBlock {
public:
  RowBlock(const Plan &plan, int64_t firstRow, std::span<float> weight, GridParams &params)
      : plan(plan), first(firstRow), count(std::min(rowsAtOnce, plan.shape.rows - firstRow)), weight(weight),
        params(params), moved(plan.shape.cols * count) {}

  /// Quantizes all columns; returns the sum of squared errors in the factor's basis.
  double run() {
    double error = 0;
    for (int64_t b = 0; b * plan.factor.block < plan.shape.cols; ++b)
      error += runPanel(b);
    return error;
  }

private:
  double runPanel(int64_t b) {
    int64_t begin = b * plan.factor.block, width = plan.factor.panelWidth(b);
    const float *panel = plan.factor.panels[b].data();
    // target = W + (errors so far) R, for the panel's columns.
    target.assign(width * count, 0.0f);
    if (begin > 0)
      linalg::multiply<float>(1, {panel, begin, width, width}, Transpose::Yes, {moved.data(), begin, count, count},
                              Transpose::No, 0, {target.data(), width, count, count});
    loadPanel(begin, width);
    for (int64_t i = 0; i < width * count; ++i)
      target[i] += original[i];
    double error = 0;
    for (int64_t c = 0; c < width; ++c) {
      int64_t place = begin + c;
      if (!plan.paramsReady && place % plan.groupSize == 0)
        startGroup(place, begin, width, panel);
      error += quantizeColumn(place, target.data() + c * count, original.data() + c * count);
      const float *row = panel + place * width;
      const float *shift = moved.data() + place * count;
      for (int64_t later = c + 1; later < width; ++later)
        for (int64_t r = 0; r < count; ++r)
          target[later * count + r] += shift[r] * row[later];
    }
    storePanel(begin, width);
    return error;
  }

  // Weights go in and out a row at a time: steps from row to row would fall into the same few cache lines.
  void loadPanel(int64_t begin, int64_t width) {
    original.resize(width * count);
    for (int64_t r = 0; r < count; ++r) {
      const float *row = weight.data() + (first + r) * plan.shape.cols;
      for (int64_t c = 0; c < width; ++c)
        original[c * count + r] = row[plan.order[begin + c]];
    }
  }

  void storePanel(int64_t begin, int64_t width) {
    for (int64_t r = 0; r < count; ++r) {
      float *row = weight.data() + (first + r) * plan.shape.cols;
      for (int64_t c = 0; c < width; ++c)
        row[plan.order[begin + c]] = original[c * count + r];
    }
  }

  /// Scales of the group that starts at `place`, from its weights as the errors so far have moved them: the values w' that
  /// would make up for all of these errors if nothing more were rounded. Column c is then w_c + sum_{j<c} (w_j - w'_j) M_jc
  /// over the earlier columns, of this group too.
  void startGroup(int64_t place, int64_t panelBegin, int64_t panelWidth, const float *panel) {
    int64_t size = std::min({plan.groupSize, plan.shape.cols - place, panelBegin + panelWidth - place});
    int64_t offset = place - panelBegin;
    std::vector<float> free(target.begin() + offset * count, target.begin() + (offset + size) * count);
    std::vector<float> shift(count), values(count * size);
    for (int64_t c = 0; c < size; ++c) {
      for (int64_t r = 0; r < count; ++r) {
        values[r * size + c] = free[c * count + r];
        shift[r] = original[(offset + c) * count + r] - free[c * count + r];
      }
      const float *row = panel + (place + c) * panelWidth + offset;
      for (int64_t later = c + 1; later < size; ++later)
        for (int64_t r = 0; r < count; ++r)
          free[later * count + r] += shift[r] * row[later];
    }
    BlockGrid grid = BlockGrid::perAxis({count, size}, 0);
    auto found = plan.options.clip ? paramsByClipSearch(values, grid, plan.options.affine, *plan.options.clip)
                                   : paramsFromValues(values, grid, plan.options.affine);
    if (!found)
      return; // Not finite: the error sum says so at the end.
    for (int64_t r = 0; r < count; ++r) {
      params.scales[(first + r) * plan.groups + plan.groupOf(place)] = found->scales[r];
      params.zeroPoints[(first + r) * plan.groups + plan.groupOf(place)] = found->zeroPoints[r];
    }
  }

  /// Replaces the column's weights by their quantized values.
  double quantizeColumn(int64_t place, const float *wanted, float *column) {
    int64_t group = plan.groupOf(place);
    double sum = 0;
    float *shift = moved.data() + place * count;
    for (int64_t r = 0; r < count; ++r) {
      int64_t box = (first + r) * plan.groups + group;
      float quantized = rounded(wanted[r], params.scales[box], params.zeroPoints[box]);
      shift[r] = column[r] - quantized;
      column[r] = quantized;
      double error = (static_cast<double>(wanted[r]) - quantized) * plan.factor.diagonal[place];
      sum += error * error;
    }
    return sum;
  }

  float rounded(float value, float scale, float zeroPoint) const {
    if (plan.options.format)
      return static_cast<float>(decode(*plan.options.format, encode(*plan.options.format, value / scale))) * scale;
    return Lattice(scale, zeroPoint, plan.options.affine.range).nearest(value);
  }

  const Plan &plan;
  int64_t first, count;
  std::span<float> weight;
  GridParams &params;
  std::vector<float> moved;  ///< [place, row]: original minus quantized weight
  std::vector<float> original; ///< [column of the panel, row]: the weights, quantized from the left
  std::vector<float> target;   ///< [column of the panel, row]: what is to be rounded
};

std::vector<int64_t> columnOrder(std::span<const double> hessian, int64_t k, ActOrder actOrder) {
  std::vector<int64_t> order(k);
  std::iota(order.begin(), order.end(), 0);
  if (actOrder != ActOrder::None)
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      double first = hessian[a * (k + 1)], second = hessian[b * (k + 1)];
      return first != second ? first > second : a < b;
    });
  return order;
}

/// A panel holds whole groups, so that a group's scales can be found before its first column is rounded.
int64_t panelSize(int64_t blockSize, int64_t groupSize) {
  return groupSize >= blockSize ? groupSize : blockSize / groupSize * groupSize;
}

Status checkRequest(std::span<const float> weight, RowShape shape, std::span<const double> hessian,
                    const GptqOptions &options, int64_t boxes) {
  assert(static_cast<int64_t>(weight.size()) == shape.rows * shape.cols);
  assert(static_cast<int64_t>(hessian.size()) == shape.cols * shape.cols);
  if (options.blockSize < 1 || options.groupSize < 0 || options.dampening < 0 || options.dampeningTries < 1)
    return Failure{"GPTQ needs a block size of at least 1, a group size and a dampening of at least 0, and one try"};
  if (options.fixed && options.actOrder == ActOrder::Dynamic)
    return Failure{"fixed scales belong to groups of the original order: use activation order static with them"};
  if (options.fixed && static_cast<int64_t>(options.fixed->scales.size()) != boxes)
    return Failure{"GPTQ got " + std::to_string(options.fixed->scales.size()) + " fixed scales for " +
                   std::to_string(boxes) + " groups"};
  if (options.format && !options.fixed)
    return Failure{"GPTQ to a format that is not an integer needs fixed scales"};
  return checkFinite(weight);
}

} // namespace

Result<GptqResult> gptq(std::span<float> weight, RowShape shape, std::span<double> hessian, const GptqOptions &options,
                        const ParallelFor &parallelFor) {
  bool wholeRow = options.groupSize == 0 || options.groupSize >= shape.cols;
  int64_t groupSize = wholeRow ? std::max<int64_t>(shape.cols, 1) : options.groupSize;
  int64_t groups = (shape.cols + groupSize - 1) / groupSize;
  if (Status status = checkRequest(weight, shape, hessian, options, shape.rows * groups); !status)
    return status.failure();
  GptqResult result;
  for (int64_t k = 0; k < shape.cols; ++k)
    result.deadColumns += hessian[k * (shape.cols + 1)] == 0;

  std::vector<int64_t> order = columnOrder(hessian, shape.cols, options.actOrder);
  int64_t block = wholeRow ? options.blockSize : panelSize(options.blockSize, groupSize);
  auto factor = factorHessian(hessian, order, options.dampening, options.dampeningTries, block, parallelFor);
  if (!factor)
    return factor.failure();
  result.dampening = factor->dampening;
  result.dampeningTries = factor->tries;

  bool paramsReady = options.fixed || wholeRow || options.actOrder == ActOrder::Static;
  BlockGrid grid = BlockGrid::perGroup({shape.rows, shape.cols}, 1, groupSize);
  if (options.fixed) {
    result.params = *options.fixed;
  } else if (paramsReady) {
    auto params = options.clip ? paramsByClipSearch(weight, grid, options.affine, *options.clip, parallelFor)
                               : paramsFromValues(weight, grid, options.affine);
    if (!params)
      return params.failure();
    result.params = *params;
  } else {
    result.params = {std::vector<float>(shape.rows * groups, 1.0f), std::vector<float>(shape.rows * groups, 0)};
  }
  if (result.params.zeroPoints.empty())
    result.params.zeroPoints.assign(result.params.scales.size(), 0);

  Plan plan{shape, options, *factor, order, groupSize, groups, paramsReady};
  int64_t pieces = (shape.rows + rowsAtOnce - 1) / rowsAtOnce;
  std::vector<double> errors(pieces);
  parallelFor(pieces, [&](int64_t piece) {
    errors[piece] = RowBlock(plan, piece * rowsAtOnce, weight, result.params).run();
  });
  result.error = std::accumulate(errors.begin(), errors.end(), 0.0);
  if (!std::isfinite(result.error))
    return Failure{"GPTQ's error feedback left the range of float: use a greater dampening"};
  if (options.actOrder == ActOrder::Dynamic) {
    result.groupOfColumn.resize(shape.cols);
    for (int64_t place = 0; place < shape.cols; ++place)
      result.groupOfColumn[order[place]] = static_cast<int32_t>(plan.groupOf(place));
  }
  return result;
}

double hessianError(std::span<const float> weight, std::span<const float> quantized, RowShape shape,
                    std::span<const double> hessian, const ParallelFor &parallelFor) {
  int64_t pieces = (shape.rows + rowsAtOnce - 1) / rowsAtOnce, k = shape.cols;
  std::vector<double> errors(pieces);
  parallelFor(pieces, [&](int64_t piece) {
    int64_t first = piece * rowsAtOnce, count = std::min(rowsAtOnce, shape.rows - first);
    std::vector<double> difference(count * k), product(count * k);
    for (int64_t i = 0; i < count * k; ++i)
      difference[i] = static_cast<double>(weight[first * k + i]) - quantized[first * k + i];
    linalg::multiply<double>(1, {difference.data(), count, k, k}, Transpose::No, {hessian.data(), k, k, k}, Transpose::No,
                             0, {product.data(), count, k, k});
    errors[piece] = std::inner_product(difference.begin(), difference.end(), product.begin(), 0.0);
  });
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

} // namespace qopt
