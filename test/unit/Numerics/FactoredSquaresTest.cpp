//===- FactoredSquaresTest.cpp - Rows and columns stand for the matrix ----===//

#include "Normal.h"
#include "qopt/Numerics/Stats/FactoredSquares.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

using namespace qopt;

namespace {

constexpr int64_t N = 5, K = 12;

/// r_n c_k with random signs: its mean squares are of rank one.
struct SignedOuter {
  std::vector<double> rows, columns;
  std::vector<float> matrix;

  explicit SignedOuter(unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> size(0.1, 3);
    for (int64_t n = 0; n < N; ++n)
      rows.push_back(size(random));
    for (int64_t k = 0; k < K; ++k)
      columns.push_back(size(random));
    for (double row : rows)
      for (double column : columns)
        matrix.push_back(static_cast<float>(random() % 2 ? row * column : -row * column));
  }
};

std::vector<float> errors(unsigned seed) { return test::normalValues(N * K, seed); }

double weighed(const SignedOuter &outer, const std::vector<float> &error) {
  double sum = 0;
  for (int64_t n = 0; n < N; ++n)
    for (int64_t k = 0; k < K; ++k)
      sum += outer.rows[n] * outer.rows[n] * outer.columns[k] * outer.columns[k] * error[n * K + k] * error[n * K + k];
  return sum;
}

const std::vector<float> zeros(N *K, 0.0f);

} // namespace

TEST(FactoredSquares, RankOneIsKeptWhole) {
  SignedOuter outer(1);
  FactoredSquares squares(N, K, K);
  ASSERT_TRUE(squares.add(outer.matrix));
  std::vector<float> error = errors(2);
  EXPECT_NEAR(squares.expectedSquare(error, zeros), weighed(outer, error), 1e-5 * weighed(outer, error));
  EXPECT_EQ(squares.expectedSquare(error, error), 0);
}

TEST(FactoredSquares, SumsAreThoseOfTheMatrix) {
  std::vector<float> matrix = errors(3), ones(N * K, 1.0f);
  FactoredSquares squares(N, K, K);
  ASSERT_TRUE(squares.add(matrix));
  double total = 0;
  for (float value : matrix)
    total += static_cast<double>(value) * value;
  EXPECT_NEAR(squares.expectedSquare(ones, zeros), total, 1e-9 * total); // Equal errors see nothing but the sum.
}

TEST(FactoredSquares, IsTheMeanOfTheMatrices) {
  SignedOuter outer(4);
  std::vector<float> twice = outer.matrix, error = errors(5);
  for (float &value : twice)
    value *= 2;
  FactoredSquares squares(N, K, K);
  ASSERT_TRUE(squares.add(outer.matrix));
  ASSERT_TRUE(squares.add(twice));
  double mean = (1 + 4) / 2.0 * weighed(outer, error);
  EXPECT_NEAR(squares.expectedSquare(error, zeros), mean, 1e-5 * mean);
}

TEST(FactoredSquares, ColumnsMayLieTogether) {
  SignedOuter outer(6);
  std::vector<float> error = errors(7);
  for (int64_t inner : {1, 3}) { // [K, N], and [4, N, 3]
    std::vector<float> laid(N * K);
    for (int64_t n = 0; n < N; ++n)
      for (int64_t k = 0; k < K; ++k)
        laid[(k / inner * N + n) * inner + k % inner] = outer.matrix[n * K + k];
    FactoredSquares squares(N, K, inner);
    ASSERT_TRUE(squares.add(laid));
    EXPECT_NEAR(squares.expectedSquare(error, zeros), weighed(outer, error), 1e-5 * weighed(outer, error)) << inner;
  }
}

TEST(FactoredSquares, WhatDoesNotFitLeavesNoTrace) {
  SignedOuter outer(8);
  FactoredSquares squares(N, K, K);
  EXPECT_EQ(squares.expectedSquare(outer.matrix, zeros), 0); // Nothing came.
  EXPECT_FALSE(squares.add(std::span(outer.matrix).first(7)));
  std::vector<float> broken = outer.matrix;
  broken.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(squares.add(broken));
  EXPECT_EQ(squares.rows()[0], 0);
  ASSERT_TRUE(squares.add(outer.matrix));
  std::vector<float> error = errors(9);
  EXPECT_NEAR(squares.expectedSquare(error, zeros), weighed(outer, error), 1e-5 * weighed(outer, error));
}
