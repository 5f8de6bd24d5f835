//===- Bits.h - Codes of a few bits in bytes and words -----------*- C++ -*-===//
//
// Codes come one a byte, in the low bits. Packing and unpacking are inverses.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_PACKING_BITS_H
#define QOPT_NUMERICS_PACKING_BITS_H

#include <cstdint>
#include <span>

namespace qopt {

/// Bytes of `count` codes of 2, 4 or 8 bits.
inline int64_t packedBytes(int64_t count, int bits) { return (count * bits + 7) / 8; }

/// First code in the lowest bits of the first byte, as ONNX int4/int2 tensors and MatMulNBits have it; bits past the last
/// code are zero. bits: 2, 4 or 8.
void packBits(std::span<const uint8_t> codes, int bits, std::span<uint8_t> bytes);
void unpackBits(std::span<const uint8_t> bytes, int bits, std::span<uint8_t> codes);

/// The sign-extended value of a code of `bits` bits, and back.
inline int8_t signExtend(uint8_t code, int bits) { return static_cast<int8_t>(static_cast<int8_t>(code << (8 - bits)) >> (8 - bits)); }
inline uint8_t maskCode(int8_t value, int bits) { return static_cast<uint8_t>(value & ((1 << bits) - 1)); }

/// 32 / bits codes to a word, first in the lowest bits, each row padded to whole words (compressed-tensors'
/// "pack-quantized"; its signed values travel with 2^(bits-1) added). bits: 1 to 8. words: rows * ceil(cols / (32 / bits)).
void packWords(std::span<const uint8_t> codes, int64_t rows, int64_t cols, int bits, std::span<uint32_t> words);
void unpackWords(std::span<const uint32_t> words, int64_t rows, int64_t cols, int bits, std::span<uint8_t> codes);

/// com.microsoft MatMulNBits: B is [N, ceil(K / block), block * bits / 8], each block padded with `padding`; scales are
/// [N, ceil(K / block)], zero points [N, ceil(ceil(K / block) * bits / 8)]. bits: 2, 4 or 8.
struct NBitsLayout {
  int64_t n, k, block;
  int bits;
  int64_t blocks() const { return (k + block - 1) / block; }
  int64_t weightBytes() const { return n * blocks() * block * bits / 8; }
  int64_t zeroPointBytes() const { return n * packedBytes(blocks(), bits); }
};
void packNBits(std::span<const uint8_t> codes, const NBitsLayout &layout, std::span<uint8_t> bytes, uint8_t padding = 0);
void unpackNBits(std::span<const uint8_t> bytes, const NBitsLayout &layout, std::span<uint8_t> codes);
void packNBitsZeroPoints(std::span<const uint8_t> zeroPoints, const NBitsLayout &layout, std::span<uint8_t> bytes);
void unpackNBitsZeroPoints(std::span<const uint8_t> bytes, const NBitsLayout &layout, std::span<uint8_t> zeroPoints);

} // namespace qopt

#endif // QOPT_NUMERICS_PACKING_BITS_H
