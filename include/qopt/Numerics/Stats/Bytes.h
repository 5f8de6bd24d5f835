//===- Bytes.h - Statistics as bytes -----------------------------*- C++ -*-===//
//
// Every statistic serializes as: four letters of its kind, u32 version, then its fields in order, little-endian, without
// padding; arrays without a count where the fields before give it. The same statistic always gives the same bytes.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_STATS_BYTES_H
#define QOPT_NUMERICS_STATS_BYTES_H

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qopt {

static_assert(std::endian::native == std::endian::little, "statistics are written as they lie in memory");

class ByteWriter {
public:
  ByteWriter(std::string_view kind, uint32_t version) {
    bytes.assign(kind.begin(), kind.end());
    put(version);
  }
  template <typename T> void put(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    putAll(std::span<const T>(&value, 1));
  }
  template <typename T> void putAll(std::span<const T> values) {
    size_t size = bytes.size();
    bytes.resize(size + values.size_bytes());
    if (!values.empty())
      std::memcpy(bytes.data() + size, values.data(), values.size_bytes());
  }
  std::vector<uint8_t> take() { return std::move(bytes); }

private:
  std::vector<uint8_t> bytes;
};

/// Reads what ByteWriter wrote. A read past the end fails and leaves the value alone; `complete` says at the end whether
/// all went well and nothing is left.
class ByteReader {
public:
  ByteReader(std::span<const uint8_t> bytes, std::string_view kind, uint32_t version) : bytes(bytes) {
    uint32_t found = 0;
    good = bytes.size() >= kind.size() && std::memcmp(bytes.data(), kind.data(), kind.size()) == 0;
    position = kind.size();
    good = good && get(found) && found == version;
  }
  template <typename T> bool get(T &value) { return getAll(std::span<T>(&value, 1)); }
  template <typename T> bool getAll(std::span<T> values) {
    if (!good || bytes.size() - position < values.size_bytes())
      return good = false;
    if (!values.empty())
      std::memcpy(values.data(), bytes.data() + position, values.size_bytes());
    position += values.size_bytes();
    return true;
  }
  /// Whether `count` items of `size` bytes are left: to be asked before allocating for them.
  bool holds(uint64_t count, uint64_t size) const { return good && count <= (bytes.size() - position) / size; }
  bool ok() const { return good; }
  bool complete() const { return good && position == bytes.size(); }

private:
  std::span<const uint8_t> bytes;
  size_t position = 0;
  bool good;
};

} // namespace qopt

#endif // QOPT_NUMERICS_STATS_BYTES_H
