//===- Hadamard.cpp - Orthogonal rotations that spread outliers -----------===//

#include "qopt/Numerics/Quantizers/Hadamard.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qopt {
namespace {

/// Vectors that are gathered at once where they do not lie in a row.
constexpr int64_t kAtOnce = 16;

uint64_t splitMix(uint64_t &state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/// Close to normal: twelve uniform numbers, summed exactly alike anywhere.
double normal(uint64_t &state) {
  double sum = -6;
  for (int i = 0; i < 12; ++i)
    sum += static_cast<double>(splitMix(state) >> 11) * 0x1p-53;
  return sum;
}

bool isPrime(int64_t q) {
  for (int64_t d = 2; d * d <= q; ++d)
    if (q % d == 0)
      return false;
  return q > 1;
}

/// Legendre's symbol of a modulo the prime q.
int symbol(int64_t a, int64_t q) {
  a = (a % q + q) % q;
  if (a == 0)
    return 0;
  int64_t power = 1;
  for (int64_t base = a, e = (q - 1) / 2; e; e /= 2, base = base * base % q)
    if (e % 2)
      power = power * base % q;
  return power == 1 ? 1 : -1;
}

/// [[0, 1...], [corner..., symbol(i - j)]], of order q + 1.
std::vector<double> conference(int64_t q, double corner) {
  int64_t n = q + 1;
  std::vector<double> s(n * n, 0);
  for (int64_t i = 1; i < n; ++i) {
    s[i] = 1;
    s[i * n] = corner;
    for (int64_t j = 1; j < n; ++j)
      s[i * n + j] = symbol(i - j, q);
  }
  return s;
}

/// Rows of normals, made orthogonal to one another twice over (Gram-Schmidt).
std::vector<double> randomOrthogonal(int64_t n, uint64_t seed) {
  std::vector<double> q(n * n);
  for (double &value : q)
    value = normal(seed);
  for (int64_t i = 0; i < n; ++i) {
    double *row = q.data() + i * n;
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        const double *other = q.data() + j * n;
        double dot = 0;
        for (int64_t k = 0; k < n; ++k)
          dot += row[k] * other[k];
        for (int64_t k = 0; k < n; ++k)
          row[k] -= dot * other[k];
      }
    double square = 0;
    for (int64_t k = 0; k < n; ++k)
      square += row[k] * row[k];
    for (int64_t k = 0; k < n; ++k)
      row[k] /= std::sqrt(square);
  }
  return q;
}

/// The unnormalized Walsh-Hadamard transform of `count` values.
void walsh(double *x, int64_t count) {
  for (int64_t half = 1; half < count; half *= 2)
    for (int64_t start = 0; start < count; start += 2 * half)
      for (int64_t i = start; i < start + half; ++i) {
        double a = x[i], b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
}

} // namespace

std::vector<float> randomSigns(int64_t count, uint64_t seed) {
  std::vector<float> signs(count);
  for (float &sign : signs)
    sign = splitMix(seed) & 1 ? -1.0f : 1.0f;
  return signs;
}

std::vector<double> paleyMatrix(int64_t order) {
  if (order == 1)
    return {1};
  if (order % 4 != 0)
    return {};
  if (int64_t q = order - 1; q % 4 == 3 && isPrime(q)) {
    std::vector<double> h = conference(q, -1);
    for (int64_t i = 0; i < order; ++i)
      h[i * order + i] += 1;
    return h;
  }
  int64_t q = order / 2 - 1, n = q + 1;
  if (q % 4 != 1 || !isPrime(q))
    return {};
  // C (x) [[1, 1], [1, -1]] + I (x) [[1, -1], [-1, -1]]
  std::vector<double> c = conference(q, 1), h(order * order);
  for (int64_t i = 0; i < order; ++i)
    for (int64_t j = 0; j < order; ++j) {
      double sum = (i % 2 && j % 2 ? -1 : 1) * c[i / 2 * n + j / 2];
      h[i * order + j] = sum + (i / 2 != j / 2 ? 0 : i % 2 || j % 2 ? -1 : 1);
    }
  return h;
}

Rotation::Rotation(int64_t size, bool randomized, uint64_t seed) {
  assert(size > 0);
  for (int64_t power = size & -size; power > 0 && base.empty(); power /= 2) {
    base = paleyMatrix(size / power);
    block = power;
  }
  hadamard = !base.empty();
  width = size / block;
  if (!hadamard)
    base = randomOrthogonal(size, seed);
  else if (randomized)
    signs = randomSigns(size, seed);
  norm = hadamard ? 1 / std::sqrt(static_cast<double>(size)) : 1;
}

std::string Rotation::describe() const {
  if (!hadamard)
    return "a random orthogonal matrix of order " + std::to_string(size());
  std::string order = block == 1 ? std::to_string(width) : width == 1 ? std::to_string(block) : std::to_string(width) + " * " + std::to_string(block);
  return (signs.empty() ? "a Hadamard matrix of order " : "a Hadamard matrix with random signs of order ") + order;
}

void Rotation::turn(std::vector<double> &v, std::vector<double> &work) const {
  for (size_t i = 0; i < signs.size(); ++i)
    v[i] *= signs[i];
  for (int64_t b = 0; b < width; ++b)
    walsh(v.data() + b * block, block);
  if (width > 1) {
    std::fill(work.begin(), work.end(), 0.0);
    for (int64_t from = 0; from < width; ++from)
      for (int64_t to = 0; to < width; ++to) {
        double factor = base[from * width + to];
        for (int64_t i = 0; i < block; ++i)
          work[to * block + i] += factor * v[from * block + i];
      }
    v.swap(work);
  }
  for (double &value : v)
    value *= norm;
}

void Rotation::apply(std::span<float> x, int64_t outer, int64_t inner, const ParallelFor &parallelFor) const {
  int64_t n = size(), pieces = (inner + kAtOnce - 1) / kAtOnce;
  assert(static_cast<int64_t>(x.size()) == outer * n * inner);
  parallelFor(outer * pieces, [&](int64_t index) {
    int64_t first = index % pieces * kAtOnce, count = std::min(kAtOnce, inner - first);
    float *corner = x.data() + index / pieces * n * inner + first;
    std::vector<std::vector<double>> vectors(count, std::vector<double>(n));
    std::vector<double> work(n);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t c = 0; c < count; ++c)
        vectors[c][i] = corner[i * inner + c];
    for (std::vector<double> &v : vectors)
      turn(v, work);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t c = 0; c < count; ++c)
        corner[i * inner + c] = static_cast<float>(vectors[c][i]);
  });
}

} // namespace qopt
