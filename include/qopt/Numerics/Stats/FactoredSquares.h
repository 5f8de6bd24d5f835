//===- FactoredSquares.h - Mean squares of a matrix by rows and columns ---------===//
//
// E[D_nk^2] of random matrices D [N, K], kept as the sums of its rows r and of its columns c: r_n c_k / sum r is the matrix of rank one
// with these sums, and the nearest to the mean squares by the divergence sum x log(x / y) - x + y (Shazeer and Stern, Adafactor, arXiv
// 1804.04235, section 3). Memory is that of a row and a column.
//
// With D the gradient of a function by a weight, sum E[D_nk^2] e_nk^2 is the expected square of how much the function changes when
// errors e that do not know of one another are added to the weight.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_FACTOREDSQUARES_H
#define QOPT_NUMERICS_STATS_FACTOREDSQUARES_H

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

class FactoredSquares {
public:
  /// Element (n, k) of a matrix lies at ((k / inner) N + n) inner + k mod inner: `inner` is K for rows that lie together, 1 for columns.
  FactoredSquares(int64_t rows = 0, int64_t columns = 0, int64_t inner = 1) : inner(inner), rowSums(rows), columnSums(columns) {}

  /// Adds the squares of one matrix. False, and nothing is added, where it has another size or a value that is not finite.
  bool add(std::span<const float> matrix);
  /// sum E[D_nk^2] (before - after)_nk^2, both [N, K], with E the mean over the matrices that came; 0 where none did.
  double expectedSquare(std::span<const float> before, std::span<const float> after) const;

  std::span<const double> rows() const { return rowSums; }
  std::span<const double> columns() const { return columnSums; }

private:
  int64_t inner;
  int64_t count = 0;
  std::vector<double> rowSums, columnSums;
};

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_FACTOREDSQUARES_H
