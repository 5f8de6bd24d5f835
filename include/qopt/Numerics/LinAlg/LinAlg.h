//===- LinAlg.h - The little linear algebra that quantizers need -*- C++ -*-===//
//
// Row-major matrices with a leading dimension (elements from row to row). The work is OpenBLAS's, which nothing else of the
// project calls. Each call runs on the calling thread alone: threads come from ParallelFor over pieces of fixed size,
// so that results do not depend on how many there are. (The first call sets OpenBLAS's process-wide thread count to one.)
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_LINALG_LINALG_H
#define QOPT_NUMERICS_LINALG_LINALG_H

#include "qopt/Numerics/Support/Parallel.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qopt::linalg {

/// A [rows, cols] window of a row-major matrix.
template <typename T> struct Matrix {
  T *data;
  int64_t rows, cols, stride;
  Matrix window(int64_t row, int64_t col, int64_t rowCount, int64_t colCount) const {
    return {data + row * stride + col, rowCount, colCount, stride};
  }
};

enum class Transpose : bool { No, Yes };

/// c = alpha * op(a) op(b) + beta * c, shapes as given by c and op(a). T: float, double.
template <typename T>
void multiply(T alpha, Matrix<const T> a, Transpose transA, Matrix<const T> b, Transpose transB, T beta, Matrix<T> c);

/// The same in row blocks of c, spread over threads.
template <typename T>
void multiplyParallel(T alpha, Matrix<const T> a, Transpose transA, Matrix<const T> b, Transpose transB, T beta,
                      Matrix<T> c, const ParallelFor &parallelFor);

/// Replaces the lower triangle of the symmetric [n, n] matrix by L, a = L L^T. Returns false where a is not positive
/// definite (the lower triangle is then spoiled). The strict upper triangle is neither read nor written.
bool cholesky(std::span<double> a, int64_t n, const ParallelFor &parallelFor = serialFor);

/// Each row x of b becomes the solution of a x = row, where l is what cholesky made of a. In row blocks, spread over threads.
void solveCholesky(Matrix<const double> l, Matrix<double> b, const ParallelFor &parallelFor = serialFor);

/// Singular value decomposition a = u diag(s) vt of a [rows, cols] matrix, the first min(rows, cols) triples, by LAPACK's
/// gesdd. u is [rows, rank], vt [rank, cols]. Returns false where it does not converge.
struct Svd {
  std::vector<float> u, s, vt;
};
bool svd(std::span<const float> a, int64_t rows, int64_t cols, Svd &result);

} // namespace qopt::linalg

#endif // QOPT_NUMERICS_LINALG_LINALG_H
