//===- Refine.cpp - Coordinate descent over roundings ---------------------===//

#include "qopt/Numerics/LinAlg/LinAlg.h"
#include "qopt/Numerics/Quantizers/Rounding.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace qopt {
namespace {

using linalg::Transpose;

constexpr int64_t rowsAtOnce = 128, columnsAtOnce = 128;

/// A few rows; arrays are [column, row].
class Descent {
public:
  Descent(std::span<const float> weight, std::span<float> quantized, RowShape shape, const GridParams &params,
          std::span<const float> h, const RefineOptions &options, int64_t first)
      : weight(weight), quantized(quantized), shape(shape), params(params), h(h), options(options), first(first),
        count(std::min(rowsAtOnce, shape.rows - first)), d(shape.cols * count) {
    groupSize = options.groupSize == 0 ? std::max<int64_t>(shape.cols, 1) : options.groupSize;
    groups = (shape.cols + groupSize - 1) / groupSize;
    for (int64_t k = 0; k < shape.cols; ++k)
      for (int64_t r = 0; r < count; ++r)
        d[k * count + r] = weight[at(r, k)] - quantized[at(r, k)];
  }

  void sweep() {
    std::vector<float> gradient;
    for (int64_t begin = 0; begin < shape.cols; begin += columnsAtOnce) {
      int64_t width = std::min(columnsAtOnce, shape.cols - begin);
      gradient.resize(width * count);
      product(begin, width, gradient.data());
      for (int64_t c = 0; c < width; ++c)
        moveColumn(begin, c, width, gradient.data());
    }
  }

  double error() {
    std::vector<float> gradient(shape.cols * count);
    product(0, shape.cols, gradient.data());
    return std::inner_product(d.begin(), d.end(), gradient.begin(), 0.0,
                              std::plus<>(), [](float a, float b) { return static_cast<double>(a) * b; });
  }

private:
  int64_t at(int64_t row, int64_t k) const { return (first + row) * shape.cols + k; }

  /// [width, count] = H[begin … begin + width, :] D
  void product(int64_t begin, int64_t width, float *out) {
    linalg::multiply<float>(1, {h.data() + begin * shape.cols, width, shape.cols, shape.cols}, Transpose::No,
                            {d.data(), shape.cols, count, count}, Transpose::No, 0, {out, width, count, count});
  }

  void moveColumn(int64_t begin, int64_t c, int64_t width, float *gradient) {
    int64_t k = begin + c;
    const float *row = h.data() + k * shape.cols;
    if (!(row[k] > 0))
      return;
    for (int64_t r = 0; r < count; ++r) {
      float old = quantized[at(r, k)];
      float moved = nearest(r, k, old + gradient[c * count + r] / row[k]) - old;
      // The exact change of the error: a step that float rounding makes useless is not taken.
      if (moved == 0 || moved * (moved * row[k] - 2 * gradient[c * count + r]) >= 0)
        continue;
      quantized[at(r, k)] = old + moved;
      d[k * count + r] = weight[at(r, k)] - quantized[at(r, k)];
      for (int64_t later = c; later < width; ++later)
        gradient[later * count + r] -= moved * row[begin + later];
    }
  }

  /// The representable value nearest to `wanted`.
  float nearest(int64_t row, int64_t k, float wanted) const {
    int64_t box = (first + row) * groups + k / groupSize;
    Lattice lattice(params.scales[box], params.zeroPoints.empty() ? 0 : params.zeroPoints[box], options.range);
    return options.floorOrCeil ? lattice.nearestBeside(weight[at(row, k)], wanted) : lattice.nearest(wanted);
  }

  std::span<const float> weight;
  std::span<float> quantized;
  RowShape shape;
  const GridParams &params;
  std::span<const float> h;
  const RefineOptions &options;
  int64_t first, count, groupSize, groups;
  std::vector<float> d; ///< original minus quantized
};

} // namespace

RefineResult refineRounding(std::span<const float> weight, std::span<float> quantized, RowShape shape,
                            const GridParams &params, std::span<const double> hessian, const RefineOptions &options,
                            const ParallelFor &parallelFor) {
  assert(weight.size() == quantized.size() && static_cast<int64_t>(hessian.size()) == shape.cols * shape.cols);
  std::vector<float> h = dampened(hessian, shape.cols, options.dampening), before(quantized.begin(), quantized.end());
  int64_t pieces = (shape.rows + rowsAtOnce - 1) / rowsAtOnce;
  std::vector<double> errorsBefore(pieces), errorsAfter(pieces);
  parallelFor(pieces, [&](int64_t piece) {
    Descent descent(weight, quantized, shape, params, h, options, piece * rowsAtOnce);
    errorsBefore[piece] = descent.error();
    for (int sweep = 0; sweep < options.sweeps; ++sweep)
      descent.sweep();
    errorsAfter[piece] = descent.error();
  });
  RefineResult result;
  result.errorBefore = std::accumulate(errorsBefore.begin(), errorsBefore.end(), 0.0);
  result.errorAfter = std::accumulate(errorsAfter.begin(), errorsAfter.end(), 0.0);
  for (size_t i = 0; i < before.size(); ++i)
    result.changed += before[i] != quantized[i];
  return result;
}

} // namespace qopt
