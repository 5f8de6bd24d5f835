//===- GramStats.cpp - The exact sum of x x^T -----------------------------===//

#include "qopt/Numerics/Stats/GramStats.h"
#include "GramKernel.h"
#include "qopt/Numerics/Stats/Bytes.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace qopt {
namespace {

constexpr std::string_view kind = "QGRM";
constexpr uint32_t version = 1;
constexpr int64_t tileSize = gramTile * gramTile;
constexpr int64_t rowsExact = 512;    // products below 2^44 each: their sum stays below 2^53
constexpr int64_t rowsAtOnce = 2048; // rows between two visits to the 128-bit sums
constexpr int gridBits = 22;
constexpr int leastGrid = -31, excludedGrid = 1000, zeroGrid = -1000;

/// Exponent of the grid that a row is rounded to.
int gridOf(std::span<const float> row) {
  float amax = 0;
  bool finite = true;
  for (float value : row) {
    float magnitude = std::fabs(value);
    finite &= magnitude < 0x1p20f; // false for NaN
    amax = magnitude > amax ? magnitude : amax;
  }
  if (!finite)
    return excludedGrid;
  if (amax == 0)
    return zeroGrid;
  int grid = std::ilogb(amax) + 1 - gridBits;
  return grid <= leastGrid ? leastGrid : grid + (grid & 1);
}

/// Round to nearest even for magnitudes below 2^51.
double roundHalfEven(double value) { return (value + 0x1.8p52) - 0x1.8p52; }

} // namespace

/// Some rows of one grid, as integers, in panels of 24 columns: [panel][row][24].
struct GramStats::Rows {
  struct alignas(64) Line {
    double values[8];
  };
  static_assert(gramPanel % 8 == 0);

  Rows(int64_t panelCount, int64_t count, int grid)
      : lines(panelCount * count * gramPanel / 8), count(count), panelStride(count * gramPanel), grid(grid) {}
  double *panel(int64_t index) { return lines.front().values + index * panelStride; }
  const double *panel(int64_t index) const { return lines.front().values + index * panelStride; }

  std::vector<Line> lines; // on cache lines, which vectors of the kernel must not straddle
  int64_t count, panelStride;
  int grid;
};

GramStats::GramStats(int64_t columns) : width(columns) {
  assert(columns > 0);
  int64_t side = tilesPerSide();
  tiles.resize(side * (side + 1) / 2 * tileSize);
}

int64_t GramStats::tilesPerSide() const { return (width + gramTile - 1) / gramTile; }

void GramStats::add(std::span<const float> x, const ParallelFor &parallelFor) {
  assert(static_cast<int64_t>(x.size()) % width == 0);
  int64_t count = static_cast<int64_t>(x.size()) / width;
  std::map<int, std::vector<int64_t>> byGrid;
  for (int64_t row = 0; row < count; ++row)
    byGrid[gridOf(x.subspan(row * width, width))].push_back(row);
  for (auto &[grid, members] : byGrid) {
    (grid == excludedGrid ? excluded : rows) += members.size();
    if (grid == excludedGrid || grid == zeroGrid)
      continue;
    int64_t panelCount = tilesPerSide() * gramPanelsPerTile;
    for (size_t begin = 0; begin < members.size(); begin += rowsAtOnce) {
      int64_t some = std::min<int64_t>(rowsAtOnce, static_cast<int64_t>(members.size() - begin));
      Rows piece(panelCount, some, grid);
      double inverse = std::ldexp(1.0, -grid);
      parallelFor(panelCount, [&](int64_t panel) {
        int64_t first = panel * gramPanel, last = std::min(first + gramPanel, width);
        double *out = piece.panel(panel);
        for (int64_t r = 0; r < some; ++r, out += gramPanel)
          for (int64_t k = first; k < last; ++k)
            out[k - first] = roundHalfEven(x[members[begin + r] * width + k] * inverse);
      });
      addGrid(piece, parallelFor);
    }
  }
}

void GramStats::addGrid(const Rows &piece, const ParallelFor &parallelFor) {
  int64_t side = tilesPerSide();
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (int64_t i = 0; i < side; ++i)
    for (int64_t j = i; j < side; ++j)
      pairs.emplace_back(i, j);
  parallelFor(static_cast<int64_t>(pairs.size()), [&](int64_t index) {
    auto [i, j] = pairs[index];
    int64_t totals[tileSize] = {};
    for (int64_t row = 0; row < piece.count; row += rowsExact) {
      double sums[tileSize] = {};
      addGramTile(piece.panel(i * gramPanelsPerTile) + row * gramPanel, piece.panel(j * gramPanelsPerTile) + row * gramPanel,
                  std::min(rowsExact, piece.count - row), piece.panelStride, sums);
      for (int64_t e = 0; e < tileSize; ++e)
        totals[e] += static_cast<int64_t>(sums[e]);
    }
    FixedSum *tile = tiles.data() + index * tileSize;
    for (int64_t e = 0; e < tileSize; ++e)
      tile[e].addScaled(totals[e], 2 * piece.grid);
  });
}

/// Calls body(row, column, index into tiles) for the upper triangle, row by row within a tile.
template <typename Body> void GramStats::forEachPair(Body &&body) const {
  int64_t side = tilesPerSide(), tile = 0;
  for (int64_t i = 0; i < side; ++i)
    for (int64_t j = i; j < side; ++j, ++tile)
      for (int64_t r = i * gramTile; r < std::min((i + 1) * gramTile, width); ++r)
        for (int64_t c = std::max(j * gramTile, r); c < std::min((j + 1) * gramTile, width); ++c)
          body(r, c, tile * tileSize + (r - i * gramTile) * gramTile + (c - j * gramTile));
}

Status GramStats::merge(const GramStats &other) {
  if (other.width != width)
    return Failure{"a Gram matrix of " + std::to_string(other.width) + " columns does not merge into one of " +
                   std::to_string(width) + ": they belong to different tensors"};
  for (size_t i = 0; i < tiles.size(); ++i)
    tiles[i].merge(other.tiles[i]);
  rows += other.rows;
  excluded += other.excluded;
  return success();
}

void GramStats::dense(std::span<double> h) const {
  assert(static_cast<int64_t>(h.size()) == width * width);
  forEachPair([&](int64_t r, int64_t c, int64_t index) { h[r * width + c] = h[c * width + r] = tiles[index].value(); });
}

std::vector<uint8_t> GramStats::serialize() const {
  ByteWriter writer(kind, version);
  writer.put<uint64_t>(width);
  writer.put(rows);
  writer.put(excluded);
  std::vector<FixedSum> triangle;
  triangle.reserve(width * (width + 1) / 2);
  forEachPair([&](int64_t, int64_t, int64_t index) { triangle.push_back(tiles[index]); });
  writer.putAll<FixedSum>(triangle);
  return writer.take();
}

Result<GramStats> GramStats::deserialize(std::span<const uint8_t> bytes) {
  ByteReader reader(bytes, kind, version);
  uint64_t columns = 0, rows = 0, excluded = 0;
  reader.get(columns), reader.get(rows), reader.get(excluded);
  bool sane = columns > 0 && columns < (1u << 20);
  if (!sane || !reader.holds(columns * (columns + 1) / 2, sizeof(FixedSum)))
    return Failure{"these bytes are no Gram matrix of version 1: calibrate again"};
  std::vector<FixedSum> triangle(columns * (columns + 1) / 2);
  reader.getAll<FixedSum>(triangle);
  if (!reader.complete())
    return Failure{"this Gram matrix has bytes left over: the file is damaged, calibrate again"};
  GramStats stats(static_cast<int64_t>(columns));
  stats.rows = rows;
  stats.excluded = excluded;
  size_t next = 0;
  stats.forEachPair([&](int64_t r, int64_t c, int64_t index) {
    stats.tiles[index] = triangle[next++];
    int64_t row = r % gramTile, column = c % gramTile;
    if (r / gramTile == c / gramTile) // diagonal tiles hold both halves
      stats.tiles[index - row * gramTile - column + column * gramTile + row] = stats.tiles[index];
  });
  return stats;
}

} // namespace qopt
