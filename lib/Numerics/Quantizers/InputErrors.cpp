//===- InputErrors.cpp - Weights for inputs that are off ------------------===//

#include "qopt/Numerics/Quantizers/InputErrors.h"
#include "qopt/Numerics/LinAlg/LinAlg.h"

#include <algorithm>
#include <cassert>
#include <vector>

namespace qopt {

using linalg::Transpose;

Status absorbInputErrors(std::span<float> weight, RowShape shape, std::span<const double> hessian, std::span<const double> errors,
                         double dampening, const ParallelFor &parallelFor) {
  int64_t n = shape.rows, k = shape.cols;
  assert(static_cast<int64_t>(weight.size()) == n * k && static_cast<int64_t>(hessian.size()) == k * k &&
         errors.size() == hessian.size());
  std::vector<double> factor(hessian.begin(), hessian.end()), wide(weight.begin(), weight.end()), shift(n * k);
  double mean = 0;
  for (int64_t i = 0; i < k; ++i)
    mean += factor[i * (k + 1)] / static_cast<double>(k);
  for (int64_t i = 0; i < k; ++i)
    factor[i * (k + 1)] += dampening * mean;
  if (!linalg::cholesky(factor, k, parallelFor))
    return Failure{"its inputs' Hessian is not positive definite with a dampening of " + std::to_string(dampening)};
  linalg::multiplyParallel<double>(1, {wide.data(), n, k, k}, Transpose::No, {errors.data(), k, k, k}, Transpose::No, 0,
                                   {shift.data(), n, k, k}, parallelFor);
  linalg::solveCholesky({factor.data(), k, k, k}, {shift.data(), n, k, k}, parallelFor);
  for (int64_t i = 0; i < n * k; ++i)
    weight[i] += static_cast<float>(shift[i]);
  return checkFinite(weight);
}

} // namespace qopt
