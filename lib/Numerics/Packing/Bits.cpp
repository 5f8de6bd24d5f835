//===- Bits.cpp - Codes of a few bits in bytes and words ------------------===//

#include "qopt/Numerics/Packing/Bits.h"

#include <algorithm>
#include <cassert>
#include <vector>

namespace qopt {

void packBits(std::span<const uint8_t> codes, int bits, std::span<uint8_t> bytes) {
  assert((bits == 2 || bits == 4 || bits == 8) && static_cast<int64_t>(bytes.size()) == packedBytes(codes.size(), bits));
  std::fill(bytes.begin(), bytes.end(), 0);
  size_t perByte = 8 / bits;
  uint32_t mask = (1u << bits) - 1;
  for (size_t i = 0; i < codes.size(); ++i)
    bytes[i / perByte] |= static_cast<uint8_t>((codes[i] & mask) << (i % perByte * bits));
}

void unpackBits(std::span<const uint8_t> bytes, int bits, std::span<uint8_t> codes) {
  assert((bits == 2 || bits == 4 || bits == 8) && static_cast<int64_t>(bytes.size()) == packedBytes(codes.size(), bits));
  size_t perByte = 8 / bits;
  uint32_t mask = (1u << bits) - 1;
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<uint8_t>(bytes[i / perByte] >> (i % perByte * bits) & mask);
}

void packWords(std::span<const uint8_t> codes, int64_t rows, int64_t cols, int bits, std::span<uint32_t> words) {
  int64_t perWord = 32 / bits, wordsPerRow = (cols + perWord - 1) / perWord;
  assert(static_cast<int64_t>(codes.size()) == rows * cols && static_cast<int64_t>(words.size()) == rows * wordsPerRow);
  std::fill(words.begin(), words.end(), 0);
  uint32_t mask = (1u << bits) - 1;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      words[r * wordsPerRow + c / perWord] |= (codes[r * cols + c] & mask) << (c % perWord * bits);
}

void unpackWords(std::span<const uint32_t> words, int64_t rows, int64_t cols, int bits, std::span<uint8_t> codes) {
  int64_t perWord = 32 / bits, wordsPerRow = (cols + perWord - 1) / perWord;
  assert(static_cast<int64_t>(codes.size()) == rows * cols && static_cast<int64_t>(words.size()) == rows * wordsPerRow);
  uint32_t mask = (1u << bits) - 1;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      codes[r * cols + c] = static_cast<uint8_t>(words[r * wordsPerRow + c / perWord] >> (c % perWord * bits) & mask);
}

void packNBits(std::span<const uint8_t> codes, const NBitsLayout &layout, std::span<uint8_t> bytes, uint8_t padding) {
  assert(static_cast<int64_t>(codes.size()) == layout.n * layout.k);
  assert(static_cast<int64_t>(bytes.size()) == layout.weightBytes());
  std::vector<uint8_t> row(layout.blocks() * layout.block, padding);
  int64_t rowBytes = layout.blocks() * layout.block * layout.bits / 8;
  for (int64_t r = 0; r < layout.n; ++r) {
    std::copy_n(codes.begin() + r * layout.k, layout.k, row.begin());
    packBits(row, layout.bits, bytes.subspan(r * rowBytes, rowBytes));
  }
}

void unpackNBits(std::span<const uint8_t> bytes, const NBitsLayout &layout, std::span<uint8_t> codes) {
  assert(static_cast<int64_t>(codes.size()) == layout.n * layout.k);
  assert(static_cast<int64_t>(bytes.size()) == layout.weightBytes());
  std::vector<uint8_t> row(layout.blocks() * layout.block);
  int64_t rowBytes = layout.blocks() * layout.block * layout.bits / 8;
  for (int64_t r = 0; r < layout.n; ++r) {
    unpackBits(bytes.subspan(r * rowBytes, rowBytes), layout.bits, row);
    std::copy_n(row.begin(), layout.k, codes.begin() + r * layout.k);
  }
}

void packNBitsZeroPoints(std::span<const uint8_t> zeroPoints, const NBitsLayout &layout, std::span<uint8_t> bytes) {
  assert(static_cast<int64_t>(bytes.size()) == layout.zeroPointBytes());
  int64_t rowBytes = packedBytes(layout.blocks(), layout.bits);
  for (int64_t r = 0; r < layout.n; ++r)
    packBits(zeroPoints.subspan(r * layout.blocks(), layout.blocks()), layout.bits, bytes.subspan(r * rowBytes, rowBytes));
}

void unpackNBitsZeroPoints(std::span<const uint8_t> bytes, const NBitsLayout &layout, std::span<uint8_t> zeroPoints) {
  assert(static_cast<int64_t>(bytes.size()) == layout.zeroPointBytes());
  int64_t rowBytes = packedBytes(layout.blocks(), layout.bits);
  for (int64_t r = 0; r < layout.n; ++r)
    unpackBits(bytes.subspan(r * rowBytes, rowBytes), layout.bits,
               zeroPoints.subspan(r * layout.blocks(), layout.blocks()));
}

} // namespace qopt
