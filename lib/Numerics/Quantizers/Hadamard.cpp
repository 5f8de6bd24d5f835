//===- Hadamard.cpp - Orthogonal rotations that spread outliers -----------===//

#include "qopt/Numerics/Quantizers/Hadamard.h"

#include <cassert>
#include <cmath>

namespace qopt {
namespace {

/// The Walsh-Hadamard transform of `block` vectors of `width` elements that lie one after another.
void transform(float *x, int64_t block, int64_t width) {
  for (int64_t half = 1; half < block; half *= 2)
    for (int64_t start = 0; start < block; start += 2 * half)
      for (int64_t i = start * width; i < (start + half) * width; ++i) {
        float a = x[i], b = x[i + half * width];
        x[i] = a + b;
        x[i + half * width] = a - b;
      }
  float norm = static_cast<float>(1 / std::sqrt(static_cast<double>(block)));
  for (int64_t i = 0; i < block * width; ++i)
    x[i] *= norm;
}

void flip(std::span<float> row, std::span<const float> signs) {
  for (size_t i = 0; i < signs.size(); ++i)
    row[i] *= signs[i];
}

void transformRows(std::span<float> row, int64_t block) {
  for (size_t begin = 0; begin < row.size(); begin += block)
    transform(row.data() + begin, block, 1);
}

} // namespace

int64_t hadamardBlock(int64_t size) { return size & -size; }

std::vector<float> randomSigns(int64_t count, uint64_t seed) {
  std::vector<float> signs(count);
  for (float &sign : signs) {
    uint64_t z = seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    sign = (z ^ z >> 31) & 1 ? -1.0f : 1.0f;
  }
  return signs;
}

void rotateRows(std::span<float> x, RowShape shape, std::span<const float> signs, int64_t block) {
  assert(shape.cols % block == 0 && hadamardBlock(block) == block);
  for (int64_t r = 0; r < shape.rows; ++r) {
    std::span<float> row = x.subspan(r * shape.cols, shape.cols);
    flip(row, signs);
    transformRows(row, block);
  }
}

void rotateRowsBack(std::span<float> x, RowShape shape, std::span<const float> signs, int64_t block) {
  assert(shape.cols % block == 0 && hadamardBlock(block) == block);
  for (int64_t r = 0; r < shape.rows; ++r) {
    std::span<float> row = x.subspan(r * shape.cols, shape.cols);
    transformRows(row, block);
    flip(row, signs);
  }
}

void rotateColumns(std::span<float> x, RowShape shape, std::span<const float> signs, int64_t block) {
  assert(shape.rows % block == 0 && hadamardBlock(block) == block);
  for (size_t r = 0; r < signs.size(); ++r)
    for (int64_t c = 0; c < shape.cols; ++c)
      x[r * shape.cols + c] *= signs[r];
  for (int64_t begin = 0; begin < shape.rows; begin += block)
    transform(x.data() + begin * shape.cols, block, shape.cols);
}

} // namespace qopt
