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

/// A few rows: normal equations A s = b for each, A_gh = v_g^T H v_h and b_g = v_g^T H w for codes v.
class RowFits {
public:
  RowFits(std::span<const float> weight, std::span<float> quantized, RowShape shape, GridParams &params,
          std::span<const float> h, int64_t groupSize, int64_t first)
      : weight(weight), quantized(quantized), shape(shape), params(params), h(h), groupSize(groupSize),
        groups((shape.cols + groupSize - 1) / groupSize), first(first), count(std::min(rowsAtOnce, shape.rows - first)),
        codes(count * shape.cols), a(count * groups * groups), b(count * groups) {
    for (int64_t r = 0; r < count; ++r)
      for (int64_t k = 0; k < shape.cols; ++k)
        codes[r * shape.cols + k] = std::nearbyint(quantized[at(r, k)] / scaleOf(r, k / groupSize));
  }

  /// Returns how many rows got other scales.
  int64_t run() {
    fillRight();
    for (int64_t g = 0; g < groups; ++g)
      fillLeft(g);
    int64_t changed = 0;
    for (int64_t r = 0; r < count; ++r)
      changed += fitRow(r);
    return changed;
  }

private:
  int64_t at(int64_t row, int64_t k) const { return (first + row) * shape.cols + k; }
  float &scaleOf(int64_t row, int64_t group) const { return params.scales[(first + row) * groups + group]; }
  int64_t widthOf(int64_t group) const { return std::min(groupSize, shape.cols - group * groupSize); }

  double dot(const float *x, const float *y, int64_t size) const { return std::inner_product(x, x + size, y, 0.0); }

  void fillRight() {
    std::vector<float> product(count * shape.cols);
    linalg::multiply<float>(1, {weight.data() + at(0, 0), count, shape.cols, shape.cols}, Transpose::No,
                            {h.data(), shape.cols, shape.cols, shape.cols}, Transpose::No, 0,
                            {product.data(), count, shape.cols, shape.cols});
    for (int64_t r = 0; r < count; ++r)
      for (int64_t g = 0; g < groups; ++g)
        b[r * groups + g] = dot(&codes[r * shape.cols + g * groupSize], &product[r * shape.cols + g * groupSize], widthOf(g));
  }

  /// Row and column g of A, from the diagonal on.
  void fillLeft(int64_t g) {
    int64_t begin = g * groupSize, rest = shape.cols - begin;
    std::vector<float> product(count * rest);
    linalg::multiply<float>(1, {codes.data() + begin, count, widthOf(g), shape.cols}, Transpose::No,
                            {h.data() + begin * shape.cols + begin, widthOf(g), rest, shape.cols}, Transpose::No, 0,
                            {product.data(), count, rest, rest});
    for (int64_t r = 0; r < count; ++r)
      for (int64_t other = g; other < groups; ++other) {
        int64_t offset = other * groupSize;
        double value = dot(&codes[r * shape.cols + offset], &product[r * rest + offset - begin], widthOf(other));
        a[(r * groups + g) * groups + other] = a[(r * groups + other) * groups + g] = value;
      }
  }

  bool fitRow(int64_t r) {
    std::span<double> matrix(a.data() + r * groups * groups, groups * groups), scales(b.data() + r * groups, groups);
    double mean = 0;
    for (int64_t g = 0; g < groups; ++g)
      mean += matrix[g * (groups + 1)] / static_cast<double>(groups);
    for (int64_t g = 0; g < groups; ++g) {
      double &diagonal = matrix[g * (groups + 1)];
      if (diagonal == 0) // No code but zero, or no input: any scale fits.
        diagonal = mean, scales[g] = mean * scaleOf(r, g);
      else
        diagonal += ridge * mean;
    }
    if (!(mean > 0) || !linalg::cholesky(matrix, groups))
      return false;
    linalg::solveCholesky({matrix.data(), groups, groups, groups}, {scales.data(), 1, groups, groups});
    for (int64_t g = 0; g < groups; ++g) {
      double ratio = scales[g] / scaleOf(r, g);
      if (!(ratio > 1 / furthest && ratio < furthest))
        return false;
    }
    for (int64_t g = 0; g < groups; ++g)
      scaleOf(r, g) = static_cast<float>(scales[g]);
    for (int64_t k = 0; k < shape.cols; ++k)
      quantized[at(r, k)] = codes[r * shape.cols + k] * scaleOf(r, k / groupSize);
    return true;
  }

  std::span<const float> weight;
  std::span<float> quantized;
  RowShape shape;
  GridParams &params;
  std::span<const float> h;
  int64_t groupSize, groups, first, count;
  std::vector<float> codes;  ///< [row, column]: less their zero points
  std::vector<double> a, b; ///< [row, group, group], [row, group]
};

} // namespace

int64_t refitScales(std::span<const float> weight, std::span<float> quantized, RowShape shape, GridParams &params,
                    std::span<const double> hessian, int64_t groupSize, double dampening, const ParallelFor &parallelFor) {
  assert(weight.size() == quantized.size() && static_cast<int64_t>(hessian.size()) == shape.cols * shape.cols);
  std::vector<float> h = dampened(hessian, shape.cols, dampening);
  int64_t length = groupSize == 0 ? std::max<int64_t>(shape.cols, 1) : groupSize;
  int64_t pieces = (shape.rows + rowsAtOnce - 1) / rowsAtOnce;
  std::vector<int64_t> changed(pieces);
  parallelFor(pieces, [&](int64_t piece) {
    changed[piece] = RowFits(weight, quantized, shape, params, h, length, piece * rowsAtOnce).run();
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
