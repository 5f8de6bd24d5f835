//===- Hadamard.h - Orthogonal rotations that spread outliers ----*- C++ -*-===//
//
// Q = diag(signs) (B (x) W) / sqrt(size): W is Walsh-Hadamard of a power of two, B a Hadamard matrix by Paley's constructions (R. E. A. C.
// Paley, On orthogonal matrices, 1933), so that 576 = 36 * 16 has one. x' = x Q and W' = W Q (both along K) leave W x as it is
// (QuaRot, Ashkboos et al. 2024). Sizes for which none is known here take a random orthogonal matrix.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_QUANTIZERS_HADAMARD_H
#define QOPT_NUMERICS_QUANTIZERS_HADAMARD_H

#include "qopt/Numerics/Support/Parallel.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qopt {

/// +1 and -1, the same for the same seed anywhere (SplitMix64).
std::vector<float> randomSigns(int64_t count, uint64_t seed);

/// A Hadamard matrix of order `order` by Paley's first (q + 1) or second (2 (q + 1)) construction for a prime q, entries +1 and -1 in
/// row-major order. Empty where neither gives one; order 1 is [1].
std::vector<double> paleyMatrix(int64_t order);

class Rotation {
public:
  /// The plain Hadamard matrix, or with signs from `seed` where `randomized`.
  Rotation(int64_t size, bool randomized, uint64_t seed);

  int64_t size() const { return width * block; }
  /// "a Hadamard matrix of order 36 * 16".
  std::string describe() const;

  /// The tensor [outer, size, inner]: each vector v along the middle dim becomes v Q. Sums are in double. The same for any parallelFor.
  void apply(std::span<float> x, int64_t outer, int64_t inner, const ParallelFor &parallelFor = serialFor) const;

private:
  void turn(std::vector<double> &v, std::vector<double> &work) const;

  int64_t width = 1, block = 1; ///< orders of B and W
  bool hadamard = true;
  std::vector<double> base;     ///< B, [width, width]
  std::vector<float> signs;     ///< empty: all +1
  double norm = 1;
};

} // namespace qopt

#endif // QOPT_NUMERICS_QUANTIZERS_HADAMARD_H
