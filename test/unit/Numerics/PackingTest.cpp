//===- PackingTest.cpp - Pack and unpack are inverses ---------------------===//

#include "qopt/Numerics/Packing/Bits.h"
#include "qopt/Numerics/Packing/Tiles.h"

#include <gtest/gtest.h>

#include <random>

using namespace qopt;

namespace {

template <typename T> std::vector<T> randomValues(size_t count, int limit) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::vector<T> values(count);
  for (T &value : values)
    value = static_cast<T>(static_cast<int>(random() % limit) + 1); // never the padding's zero
  return values;
}

template <typename T> void expectInverse(int64_t k, int64_t n, int64_t kr, int64_t nr, MatrixOrder order) {
  TileLayout layout{k, n, kr, nr};
  std::vector<T> matrix = randomValues<T>(k * n, 100), packed(layout.packedSize(), T{77}), back(k * n);
  packTiles<T>(matrix, order, layout, packed);
  unpackTiles<T>(packed, layout, order, back);
  EXPECT_EQ(back, matrix);
  int64_t zeros = 0;
  for (T value : packed)
    zeros += value == 0;
  EXPECT_EQ(zeros, layout.packedSize() - k * n);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j)
      EXPECT_EQ(packed[layout.offset(i, j)], matrix[order == MatrixOrder::KN ? i * n + j : j * k + i]);
}

TEST(Tiles, PackAndUnpackAreInverses) {
  for (MatrixOrder order : {MatrixOrder::KN, MatrixOrder::NK})
    for (int64_t k : {1, 3, 4, 17})
      for (int64_t n : {1, 15, 16, 33})
        for (int64_t kr : {1, 2, 4})
          for (int64_t nr : {8, 16}) {
            expectInverse<int8_t>(k, n, kr, nr, order);
            expectInverse<float>(k, n, kr, nr, order);
          }
}

TEST(Tiles, LayoutIsWhatKernelsExpect) {
  std::vector<int8_t> matrix(8 * 4); // [K 8, N 4]
  for (int i = 0; i < 32; ++i)
    matrix[i] = static_cast<int8_t>(i);
  TileLayout layout{8, 4, 4, 2};
  std::vector<int8_t> packed(32);
  packTiles<int8_t>(matrix, MatrixOrder::KN, layout, packed);
  // Panel 0, step 0: column 0 of rows 0..3, then column 1.
  EXPECT_EQ((std::vector<int8_t>(packed.begin(), packed.begin() + 8)), (std::vector<int8_t>{0, 4, 8, 12, 1, 5, 9, 13}));
  EXPECT_EQ(packed[8], 16); // step 1
  EXPECT_EQ(packed[16], 2); // panel 1
}

TEST(Tiles, ColumnSumsAndTranspose) {
  std::vector<int8_t> matrix = {1, -2, 127, 3, 4, -128}, flipped(6);
  EXPECT_EQ(columnSums(matrix, MatrixOrder::KN, 2, 3), (std::vector<int32_t>{4, 2, -1}));
  EXPECT_EQ(columnSums(matrix, MatrixOrder::NK, 3, 2), (std::vector<int32_t>{126, -121}));
  transpose<int8_t>(matrix, 2, 3, flipped);
  EXPECT_EQ(flipped, (std::vector<int8_t>{1, 3, -2, 4, 127, -128}));
  EXPECT_EQ(columnSums(flipped, MatrixOrder::NK, 2, 3), columnSums(matrix, MatrixOrder::KN, 2, 3));
}

TEST(Bits, OnnxOrderIsLowFirst) {
  std::vector<uint8_t> codes = {1, 2, 15, 0, 7}, bytes(3), back(5);
  packBits(codes, 4, bytes);
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0x21, 0x0F, 0x07}));
  unpackBits(bytes, 4, back);
  EXPECT_EQ(back, codes);
  codes = {1, 2, 3, 0, 2};
  bytes.resize(2);
  packBits(codes, 2, bytes);
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0b00111001, 2}));
  unpackBits(bytes, 2, back);
  EXPECT_EQ(back, codes);
  for (int value = -8; value < 8; ++value)
    EXPECT_EQ(signExtend(maskCode(static_cast<int8_t>(value), 4), 4), value);
}

TEST(Bits, WordsRoundTripAtEveryWidth) {
  for (int bits = 1; bits <= 8; ++bits)
    for (int64_t cols : {1, 7, 8, 10, 11, 64}) {
      std::vector<uint8_t> codes = randomValues<uint8_t>(3 * cols, 200), back(3 * cols);
      for (uint8_t &code : codes)
        code &= (1 << bits) - 1;
      int64_t perWord = 32 / bits;
      std::vector<uint32_t> words(3 * ((cols + perWord - 1) / perWord));
      packWords(codes, 3, cols, bits, words);
      unpackWords(words, 3, cols, bits, back);
      EXPECT_EQ(back, codes);
      EXPECT_EQ(words[0] & ((1u << bits) - 1), codes[0]);
    }
}

TEST(Bits, MatMulNBitsPadsTheLastBlock) {
  NBitsLayout layout{3, 40, 16, 4};
  EXPECT_EQ(layout.blocks(), 3);
  EXPECT_EQ(layout.weightBytes(), 3 * 3 * 8);
  EXPECT_EQ(layout.zeroPointBytes(), 3 * 2);
  std::vector<uint8_t> codes = randomValues<uint8_t>(120, 15), bytes(layout.weightBytes()), back(120);
  packNBits(codes, layout, bytes, 8);
  unpackNBits(bytes, layout, back);
  EXPECT_EQ(back, codes);
  EXPECT_EQ(bytes[20], 0x88); // codes 40 and 41 of row 0 are padding
  EXPECT_EQ(bytes[24] & 15, codes[40]);
  std::vector<uint8_t> zeros = randomValues<uint8_t>(9, 15), zeroBytes(6), zerosBack(9);
  packNBitsZeroPoints(zeros, layout, zeroBytes);
  unpackNBitsZeroPoints(zeroBytes, layout, zerosBack);
  EXPECT_EQ(zerosBack, zeros);
  EXPECT_EQ(zeroBytes[1], zeros[2]);
  EXPECT_EQ(zeroBytes[2] & 15, zeros[3]);
}

} // namespace
