//===- InputStats.cpp - Pairs of rows --------------------------------------===//

#include "qopt/Numerics/Stats/InputStats.h"

#include <cassert>

namespace qopt {

void InputStats::addPairs(std::span<const float> rows, std::span<const float> floatRows, const ParallelFor &parallelFor) {
  assert(paired() && rows.size() == floatRows.size());
  int64_t k = columns(), count = static_cast<int64_t>(rows.size()) / k;
  std::vector<float> pairs(2 * rows.size());
  for (int64_t r = 0; r < count; ++r)
    for (int64_t i = 0; i < k; ++i) {
      pairs[2 * r * k + i] = rows[r * k + i];
      pairs[(2 * r + 1) * k + i] = floatRows[r * k + i] - rows[r * k + i];
    }
  gram.add(pairs, parallelFor);
  moments.add(rows);
}

void InputStats::dense(std::vector<double> &hessian, std::vector<double> &errors) const {
  int64_t k = columns(), width = gram.columns();
  hessian.resize(width * width);
  gram.dense(hessian);
  if (!paired())
    return;
  std::vector<double> all = std::move(hessian);
  hessian.resize(k * k);
  errors.resize(k * k);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j) {
      hessian[i * k + j] = all[i * width + j];
      errors[i * k + j] = all[(k + i) * width + j];
    }
}

} // namespace qopt
