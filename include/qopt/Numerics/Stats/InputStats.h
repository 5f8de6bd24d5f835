//===- InputStats.h - What algorithms know of a linear's input ---*- C++ -*-===//
//
// Rows are what a linear op multiplies with its weight's rows: the input's tokens, or a convolution's im2col columns.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_INPUTSTATS_H
#define QOPT_NUMERICS_STATS_INPUTSTATS_H

#include "qopt/Numerics/Stats/ChannelStats.h"
#include "qopt/Numerics/Stats/GramStats.h"

#include <map>
#include <string>

namespace qopt {

struct InputStats {
  GramStats gram;      ///< of rows x; where they are paired of rows (x, x_f - x), twice as long
  MomentStats moments; ///< of x by column

  /// `paired`: the float model's rows x_f come with those of the model as it is now.
  explicit InputStats(int64_t columns = 1, bool paired = false) : gram(paired ? 2 * columns : columns), moments(columns) {}

  int64_t columns() const { return moments.channels(); }
  bool paired() const { return gram.columns() == 2 * columns(); }
  void add(std::span<const float> rows, const ParallelFor &parallelFor = serialFor) {
    gram.add(rows, parallelFor);
    moments.add(rows);
  }
  void addPairs(std::span<const float> rows, std::span<const float> floatRows, const ParallelFor &parallelFor = serialFor);
  /// H = sum x x^T and, where rows are paired, D = sum (x_f - x) x^T (else empty).
  void dense(std::vector<double> &hessian, std::vector<double> &errors) const;
  Status merge(const InputStats &other) {
    if (Status status = gram.merge(other.gram); !status)
      return status;
    return moments.merge(other.moments);
  }
  friend bool operator==(const InputStats &, const InputStats &) = default;
};

/// By the key of the input's columns (Analysis/Columns.h).
using InputTable = std::map<std::string, InputStats, std::less<>>;

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_INPUTSTATS_H
