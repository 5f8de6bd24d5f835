//===- GramStats.h - The exact sum of x x^T ----------------------*- C++ -*-===//
//
// H = sum over rows x of x x^T, which GPTQ and AWQ need. Every row is first rounded to a grid of its own: multiples of a
// power of four that is at most 2^-20 of the row's greatest magnitude (but at least 2^-31). From there on everything
// is exact: products and sums of up to 512 rows of one grid are integers below 2^53 in double, and these sums go into
// 128-bit integers. So the bits of H do not depend on the order of rows, on how they came in batches, on threads, shards,
// or the machine's instruction set.
//
// Memory: 16 bytes for each pair of columns, in tiles of 96 (about 139 MB for 4,096 columns).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_GRAMSTATS_H
#define QOPT_NUMERICS_STATS_GRAMSTATS_H

#include "qopt/Numerics/Stats/FixedSum.h"
#include "qopt/Numerics/Support/Parallel.h"
#include "qopt/Numerics/Support/Result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qopt {

class GramStats {
public:
  explicit GramStats(int64_t columns = 1);

  /// x is [rows, columns]. Rows with NaN, infinity or magnitudes of 2^20 and more are counted and left out.
  void add(std::span<const float> x, const ParallelFor &parallelFor = serialFor);
  Status merge(const GramStats &other);

  int64_t columns() const { return width; }
  uint64_t rowCount() const { return rows; }          ///< rows that H holds
  uint64_t excludedCount() const { return excluded; } ///< rows left out
  /// H as [columns, columns] doubles, both triangles.
  void dense(std::span<double> h) const;

  std::vector<uint8_t> serialize() const;
  static Result<GramStats> deserialize(std::span<const uint8_t> bytes);
  friend bool operator==(const GramStats &, const GramStats &) = default;

private:
  struct Rows;
  void addGrid(const Rows &rows, const ParallelFor &parallelFor);
  int64_t tilesPerSide() const;
  template <typename Body> void forEachPair(Body &&body) const;

  int64_t width;
  uint64_t rows = 0, excluded = 0;
  std::vector<FixedSum> tiles; // upper triangle of tiles, row by row
};

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_GRAMSTATS_H
