//===- FactoredSquares.cpp - Mean squares of a matrix by rows and columns -------===//

#include "qopt/Numerics/Stats/FactoredSquares.h"

#include <cmath>
#include <numeric>

namespace qopt {

bool FactoredSquares::add(std::span<const float> matrix) {
  size_t n = rowSums.size(), k = columnSums.size();
  if (matrix.size() != n * k)
    return false;
  for (float value : matrix)
    if (!std::isfinite(value))
      return false;
  ++count;
  size_t at = 0;
  for (size_t outer = 0; outer < k; outer += static_cast<size_t>(inner))
    for (size_t row = 0; row < n; ++row)
      for (size_t column = outer; column < outer + static_cast<size_t>(inner); ++column, ++at) {
        double square = static_cast<double>(matrix[at]) * static_cast<double>(matrix[at]);
        rowSums[row] += square;
        columnSums[column] += square;
      }
  return true;
}

double FactoredSquares::expectedSquare(std::span<const float> before, std::span<const float> after) const {
  double total = std::accumulate(rowSums.begin(), rowSums.end(), 0.0), sum = 0;
  size_t k = columnSums.size();
  if (!(total > 0))
    return 0;
  for (size_t row = 0; row < rowSums.size(); ++row) {
    double inRow = 0;
    for (size_t column = 0; column < k; ++column) {
      double error = static_cast<double>(before[row * k + column]) - after[row * k + column];
      inRow += columnSums[column] * error * error;
    }
    sum += rowSums[row] * inRow;
  }
  return sum / total / static_cast<double>(count);
}

} // namespace qopt
