//===- LinAlg.cpp - Calls into OpenBLAS -----------------------------------===//

#include "qopt/Numerics/LinAlg/LinAlg.h"

#include <algorithm>
#include <cassert>
#include <cblas.h>
#include <cmath>

extern "C" {
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void sgesdd_(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u, const int *ldu,
             float *vt, const int *ldvt, float *work, const int *lwork, int *iwork, int *info);
}

namespace qopt::linalg {
namespace {

constexpr int64_t blockSize = 256;

void useOneThread() {
  static const bool once = (openblas_set_num_threads(1), true);
  (void)once;
}

CBLAS_TRANSPOSE flag(Transpose transpose) { return transpose == Transpose::Yes ? CblasTrans : CblasNoTrans; }

int asInt(int64_t value) { return static_cast<int>(value); }

/// Row-major lower is column-major upper.
bool factorDiagonal(Matrix<double> a) {
  int n = asInt(a.rows), stride = asInt(a.stride), info = 0;
  dpotrf_("U", &n, a.data, &stride, &info);
  return info == 0;
}

/// a = a l^-T
void solveRight(Matrix<double> l, Matrix<double> a) {
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, asInt(a.rows), asInt(a.cols), 1.0, l.data,
              asInt(l.stride), a.data, asInt(a.stride));
}

/// Lower triangle of c -= a a^T.
void subtractSquare(Matrix<double> a, Matrix<double> c) {
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, asInt(c.rows), asInt(a.cols), -1.0, a.data, asInt(a.stride), 1.0,
              c.data, asInt(c.stride));
}

} // namespace

template <>
void multiply<float>(float alpha, Matrix<const float> a, Transpose transA, Matrix<const float> b, Transpose transB,
                     float beta, Matrix<float> c) {
  useOneThread();
  int64_t inner = transA == Transpose::Yes ? a.rows : a.cols;
  cblas_sgemm(CblasRowMajor, flag(transA), flag(transB), asInt(c.rows), asInt(c.cols), asInt(inner), alpha, a.data,
              asInt(a.stride), b.data, asInt(b.stride), beta, c.data, asInt(c.stride));
}

template <>
void multiply<double>(double alpha, Matrix<const double> a, Transpose transA, Matrix<const double> b, Transpose transB,
                      double beta, Matrix<double> c) {
  useOneThread();
  int64_t inner = transA == Transpose::Yes ? a.rows : a.cols;
  cblas_dgemm(CblasRowMajor, flag(transA), flag(transB), asInt(c.rows), asInt(c.cols), asInt(inner), alpha, a.data,
              asInt(a.stride), b.data, asInt(b.stride), beta, c.data, asInt(c.stride));
}

template <typename T>
void multiplyParallel(T alpha, Matrix<const T> a, Transpose transA, Matrix<const T> b, Transpose transB, T beta,
                      Matrix<T> c, const ParallelFor &parallelFor) {
  parallelFor((c.rows + blockSize - 1) / blockSize, [&](int64_t index) {
    int64_t row = index * blockSize, count = std::min(blockSize, c.rows - row);
    auto part = transA == Transpose::Yes ? a.window(0, row, a.rows, count) : a.window(row, 0, count, a.cols);
    multiply<T>(alpha, part, transA, b, transB, beta, c.window(row, 0, count, c.cols));
  });
}
template void multiplyParallel<float>(float, Matrix<const float>, Transpose, Matrix<const float>, Transpose, float,
                                      Matrix<float>, const ParallelFor &);
template void multiplyParallel<double>(double, Matrix<const double>, Transpose, Matrix<const double>, Transpose, double,
                                       Matrix<double>, const ParallelFor &);

bool cholesky(std::span<double> data, int64_t n, const ParallelFor &parallelFor) {
  assert(static_cast<int64_t>(data.size()) == n * n);
  useOneThread();
  Matrix<double> a{data.data(), n, n, n};
  for (int64_t k = 0; k < n; k += blockSize) {
    int64_t width = std::min(blockSize, n - k), below = k + width;
    Matrix<double> diagonal = a.window(k, k, width, width);
    if (!factorDiagonal(diagonal))
      return false;
    int64_t blocks = (n - below + blockSize - 1) / blockSize;
    auto rowsOf = [&](int64_t block) {
      int64_t row = below + block * blockSize;
      return a.window(row, k, std::min(blockSize, n - row), width);
    };
    parallelFor(blocks, [&](int64_t block) { solveRight(diagonal, rowsOf(block)); });
    parallelFor(blocks * (blocks + 1) / 2, [&](int64_t index) {
      int64_t i = static_cast<int64_t>((std::sqrt(8.0 * static_cast<double>(index) + 1) - 1) / 2);
      int64_t j = index - i * (i + 1) / 2;
      Matrix<double> left = rowsOf(i), right = rowsOf(j);
      Matrix<double> target = a.window(below + i * blockSize, below + j * blockSize, left.rows, right.rows);
      if (i == j)
        subtractSquare(left, target);
      else
        multiply<double>(-1.0, {left.data, left.rows, left.cols, n}, Transpose::No, {right.data, right.rows, right.cols, n},
                         Transpose::Yes, 1.0, target);
    });
  }
  for (int64_t i = 0; i < n; ++i)
    if (!std::isfinite(data[i * n + i])) // NaN passes through potrf's tests
      return false;
  return true;
}

void solveCholesky(Matrix<const double> l, Matrix<double> b, const ParallelFor &parallelFor) {
  useOneThread();
  parallelFor((b.rows + blockSize - 1) / blockSize, [&](int64_t block) {
    Matrix<double> rows = b.window(block * blockSize, 0, std::min(blockSize, b.rows - block * blockSize), b.cols);
    for (CBLAS_TRANSPOSE side : {CblasTrans, CblasNoTrans})
      cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, side, CblasNonUnit, asInt(rows.rows), asInt(rows.cols), 1.0, l.data,
                  asInt(l.stride), rows.data, asInt(rows.stride));
  });
}

bool svd(std::span<const float> a, int64_t rows, int64_t cols, Svd &result) {
  assert(static_cast<int64_t>(a.size()) == rows * cols);
  useOneThread();
  // Row-major a is column-major a^T = vt^T diag(s) u^T: ask for that one's factors.
  int m = asInt(cols), n = asInt(rows), rank = std::min(m, n), info = 0, size = -1;
  std::vector<float> copy(a.begin(), a.end());
  result.s.resize(rank);
  result.vt.resize(static_cast<size_t>(rank) * cols);
  result.u.resize(static_cast<size_t>(rank) * rows);
  std::vector<int> integers(8 * static_cast<size_t>(rank));
  float best = 0;
  auto call = [&](float *work) {
    sgesdd_("S", &m, &n, copy.data(), &m, result.s.data(), result.vt.data(), &m, result.u.data(), &rank, work, &size,
            integers.data(), &info);
  };
  call(&best);
  size = static_cast<int>(best) + 1;
  std::vector<float> work(size);
  call(work.data());
  return info == 0;
}

} // namespace qopt::linalg
