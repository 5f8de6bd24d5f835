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
  GramStats gram;
  MomentStats moments; ///< by column

  explicit InputStats(int64_t columns = 1) : gram(columns), moments(columns) {}
  void add(std::span<const float> rows, const ParallelFor &parallelFor = serialFor) {
    gram.add(rows, parallelFor);
    moments.add(rows);
  }
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
