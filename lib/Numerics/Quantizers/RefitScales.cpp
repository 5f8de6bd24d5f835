//===- RefitScales.cpp - Scales by least squares, codes given -------------===//

#include "qopt/Numerics/LinAlg/LinAlg.h"
#include "qopt/Numerics/Quantizers/Rounding.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace qopt {
namespace {

using linalg::Transpose;

constexpr int64_t rowsAtOnce = 128;

/// Added to the normal equations' diagonal, as a fraction of its mean: groups whose products are alike keep finite scales.
constexpr double ridge = 1e-6;

/// A scale that the fit moves further than this has lost its codes' meaning: its row keeps what it has.
constexpr double furthest = 2;

/// Zero points stay where float tells their neighbours apart by less than a code.
constexpr double farthestZero = 1 << 20;

/// A few rows: normal equations A s = b for each, A_uv = x_u^T H x_v and b_u = x_u^T H w. The x_u of a group are its codes less their zero
/// point, whose unknown is the scale, and where zero points are fitted ones, whose unknown is an offset.
class RowFits {
public:
  RowFits(std::span<const float> weight, std::span<float> quantized, RowShape shape, GridParams &params,
          std::span<const float> h, int64_t groupSize, Refit what, int64_t first)
      : weight(weight), quantized(quantized), shape(shape), params(params), h(h), groupSize(groupSize),
        groups((shape.cols + groupSize - 1) / groupSize), each(what == Refit::ScalesAndZeros ? 2 : 1), unknowns(groups * each), first(first),
        count(std::min(rowsAtOnce, shape.rows - first)), codes(count * shape.cols),
        ones(each > 1 ? count * shape.cols : 0, 1.0f), a(count * unknowns * unknowns), b(count * unknowns) {
    for (int64_t r = 0; r < count; ++r)
      for (int64_t k = 0; k < shape.cols; ++k) {
        float part = zeroOf(r, k / groupSize) - std::nearbyint(zeroOf(r, k / groupSize));
        codes[r * shape.cols + k] = std::nearbyint(quantized[at(r, k)] / scaleOf(r, k / groupSize) + part) - part;
      }
  }

  /// Returns how many rows got other scales.
  int64_t run() {
    fillRight();
    for (int64_t u = 0; u < unknowns; ++u)
      fillLeft(u);
    int64_t changed = 0;
    for (int64_t r = 0; r < count; ++r)
      changed += fitRow(r);
    return changed;
  }

private:
  int64_t at(int64_t row, int64_t k) const { return (first + row) * shape.cols + k; }
  float &scaleOf(int64_t row, int64_t group) const { return params.scales[(first + row) * groups + group]; }
  float zeroOf(int64_t row, int64_t group) const { return params.zeroPoints.empty() ? 0 : params.zeroPoints[(first + row) * groups + group]; }
  /// x_u, for all rows.
  const std::vector<float> &vectorsOf(int64_t unknown) const { return unknown % each ? ones : codes; }
  int64_t widthOf(int64_t group) const { return std::min(groupSize, shape.cols - group * groupSize); }

  double dot(const float *x, const float *y, int64_t size) const { return std::inner_product(x, x + size, y, 0.0); }

  void fillRight() {
    std::vector<float> product(count * shape.cols);
    linalg::multiply<float>(1, {weight.data() + at(0, 0), count, shape.cols, shape.cols}, Transpose::No,
                            {h.data(), shape.cols, shape.cols, shape.cols}, Transpose::No, 0,
                            {product.data(), count, shape.cols, shape.cols});
    for (int64_t r = 0; r < count; ++r)
      for (int64_t u = 0; u < unknowns; ++u) {
        int64_t place = r * shape.cols + u / each * groupSize;
        b[r * unknowns + u] = dot(&vectorsOf(u)[place], &product[place], widthOf(u / each));
      }
  }

  /// Row and column u of A, from the diagonal on.
  void fillLeft(int64_t u) {
    int64_t g = u / each, begin = g * groupSize, rest = shape.cols - begin;
    std::vector<float> product(count * rest);
    linalg::multiply<float>(1, {vectorsOf(u).data() + begin, count, widthOf(g), shape.cols}, Transpose::No,
                            {h.data() + begin * shape.cols + begin, widthOf(g), rest, shape.cols}, Transpose::No, 0,
                            {product.data(), count, rest, rest});
    for (int64_t r = 0; r < count; ++r)
      for (int64_t other = u; other < unknowns; ++other) {
        int64_t offset = other / each * groupSize;
        double value = dot(&vectorsOf(other)[r * shape.cols + offset], &product[r * rest + offset - begin], widthOf(other / each));
        a[(r * unknowns + u) * unknowns + other] = a[(r * unknowns + other) * unknowns + u] = value;
      }
  }

  bool fitRow(int64_t r) {
    std::span<double> matrix(a.data() + r * unknowns * unknowns, unknowns * unknowns), fit(b.data() + r * unknowns, unknowns);
    double mean = 0;
    for (int64_t u = 0; u < unknowns; ++u)
      mean += matrix[u * (unknowns + 1)] / static_cast<double>(unknowns);
    for (int64_t u = 0; u < unknowns; ++u) {
      double &diagonal = matrix[u * (unknowns + 1)];
      if (diagonal == 0) // No code but zero, or no input: any scale fits.
        diagonal = mean, fit[u] = u % each ? 0 : mean * scaleOf(r, u / each);
      else
        diagonal += ridge * mean;
    }
    if (!(mean > 0) || !linalg::cholesky(matrix, unknowns))
      return false;
    linalg::solveCholesky({matrix.data(), unknowns, unknowns, unknowns}, {fit.data(), 1, unknowns, unknowns});
    for (int64_t g = 0; g < groups; ++g) {
      double ratio = fit[g * each] / scaleOf(r, g);
      if (!(ratio > 1 / furthest && ratio < furthest) || !(std::fabs(zeroAfter(r, g, fit)) < farthestZero))
        return false;
    }
    for (int64_t g = 0; g < groups; ++g)
      takeFit(r, g, fit);
    return true;
  }

  /// (q - z) s + offset = (q - z') s
  double zeroAfter(int64_t r, int64_t g, std::span<const double> fit) const {
    return each > 1 ? zeroOf(r, g) - fit[g * each + 1] / fit[g * each] : zeroOf(r, g);
  }

  void takeFit(int64_t r, int64_t g, std::span<const double> fit) {
    float before = zeroOf(r, g), after = static_cast<float>(zeroAfter(r, g, fit)), whole = std::nearbyint(after);
    scaleOf(r, g) = static_cast<float>(fit[g * each]);
    if (each > 1)
      params.zeroPoints[(first + r) * groups + g] = after;
    for (int64_t k = g * groupSize; k < g * groupSize + widthOf(g); ++k) {
      float code = std::nearbyint(codes[r * shape.cols + k] + before);
      quantized[at(r, k)] = ((code - whole) - (after - whole)) * scaleOf(r, g);
    }
  }

  std::span<const float> weight;
  std::span<float> quantized;
  RowShape shape;
  GridParams &params;
  std::span<const float> h;
  int64_t groupSize, groups, each, unknowns, first, count;
  std::vector<float> codes, ones; ///< [row, column]; codes are less their zero points
  std::vector<double> a, b;       ///< [row, unknown, unknown], [row, unknown]; unknowns of a group lie together
};

} // namespace

int64_t refitScales(std::span<const float> weight, std::span<float> quantized, RowShape shape, GridParams &params,
                    std::span<const double> hessian, int64_t groupSize, double dampening, Refit what,
                    const ParallelFor &parallelFor) {
  assert(weight.size() == quantized.size() && static_cast<int64_t>(hessian.size()) == shape.cols * shape.cols);
  std::vector<float> h = dampened(hessian, shape.cols, dampening);
  int64_t length = groupSize == 0 ? std::max<int64_t>(shape.cols, 1) : groupSize;
  int64_t pieces = (shape.rows + rowsAtOnce - 1) / rowsAtOnce;
  std::vector<int64_t> changed(pieces);
  parallelFor(pieces, [&](int64_t piece) {
    changed[piece] = RowFits(weight, quantized, shape, params, h, length, what, piece * rowsAtOnce).run();
  });
  return std::accumulate(changed.begin(), changed.end(), int64_t{0});
}

std::vector<float> dampened(std::span<const double> hessian, int64_t size, double fraction) {
  std::vector<float> h(hessian.begin(), hessian.end());
  double mean = 0;
  for (int64_t k = 0; k < size; ++k)
    mean += hessian[k * (size + 1)] / static_cast<double>(size);
  for (int64_t k = 0; k < size; ++k)
    h[k * (size + 1)] += static_cast<float>(fraction * mean);
  return h;
}

void shrinkToDiagonal(std::span<double> hessian, int64_t size, double fraction) {
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j)
      if (i != j)
        hessian[i * size + j] *= 1 - fraction;
}

} // namespace qopt
