//===- GptqFactor.h - The triangular factor that GPTQ solves with -*- C++ -*-===//
#ifndef QOPT_LIB_NUMERICS_QUANTIZERS_GPTQFACTOR_H
#define QOPT_LIB_NUMERICS_QUANTIZERS_GPTQFACTOR_H

#include "qopt/Numerics/Support/Parallel.h"
#include "qopt/Numerics/Support/Result.h"

#include <span>
#include <vector>

namespace qopt {

/// R of H = R R^T in panels of `block` columns: panel b holds rows 0 … min(K, (b + 1) * block) - 1, each with the panel's
/// columns, divided by the column's diagonal element (so that the diagonal is 1).
struct GptqFactor {
  int64_t size, block;
  std::vector<std::vector<float>> panels;
  std::vector<double> diagonal; ///< R_ii
  double dampening = 0;
  int tries = 0;

  int64_t panelWidth(int64_t b) const { return block < size - b * block ? block : size - b * block; }
};

/// Permutes, dampens and factors the Hessian, which is spoiled. order[i] is the original column at place i; a dead column (zero
/// diagonal) gets the mean of the live diagonal.
Result<GptqFactor> factorHessian(std::span<double> hessian, std::span<const int64_t> order, double dampening, int tries,
                                 int64_t block, const ParallelFor &parallelFor);

} // namespace qopt

#endif // QOPT_LIB_NUMERICS_QUANTIZERS_GPTQFACTOR_H
