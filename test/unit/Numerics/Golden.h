//===- Golden.h - Arrays that the scripts in python/goldens wrote -*- C++ -*-===//
//
// Reads .npy files of the goldens folder (ctest writes it before the tests run; QOPT_GOLDENS names another).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_TEST_UNIT_NUMERICS_GOLDEN_H
#define QOPT_TEST_UNIT_NUMERICS_GOLDEN_H

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace qopt::test {

template <typename T> struct Golden {
  std::vector<int64_t> shape;
  std::vector<T> data;
  int64_t dim(size_t index) const { return shape.at(index); }
};

template <typename T> constexpr const char *npyType() {
  if constexpr (std::is_same_v<T, float>)
    return "<f4";
  else if constexpr (std::is_same_v<T, double>)
    return "<f8";
  else if constexpr (std::is_same_v<T, uint8_t>)
    return "|u1";
  else if constexpr (std::is_same_v<T, int8_t>)
    return "|i1";
  else if constexpr (std::is_same_v<T, uint16_t>)
    return "<u2";
  else if constexpr (std::is_same_v<T, int32_t>)
    return "<i4";
  else if constexpr (std::is_same_v<T, int64_t>)
    return "<i8";
}

/// Reads NAME.npy, C order, of exactly the type T. Throws (a failed test) where it is not that.
template <typename T> Golden<T> golden(const std::string &name) {
  const char *folder = std::getenv("QOPT_GOLDENS");
  std::string path = std::string(folder ? folder : QOPT_GOLDENS_DIR) + "/" + name + ".npy";
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path + " is missing: run ctest, which writes the goldens first");
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  size_t headerSize = static_cast<uint8_t>(bytes.at(8)) | static_cast<uint8_t>(bytes.at(9)) << 8;
  std::string header = bytes.substr(10, headerSize);
  if (header.find(npyType<T>()) == std::string::npos || header.find("'fortran_order': False") == std::string::npos)
    throw std::runtime_error(path + " holds another type or order: " + header);
  Golden<T> result;
  size_t position = header.find('(') + 1, end = header.find(')');
  int64_t count = 1;
  while (position < end) {
    size_t used = 0;
    result.shape.push_back(std::stoll(header.substr(position, end - position), &used));
    count *= result.shape.back();
    position = header.find(',', position + used);
    position = position == std::string::npos ? end : header.find_first_not_of(' ', position + 1);
  }
  result.data.resize(count);
  if (bytes.size() != 10 + headerSize + count * sizeof(T))
    throw std::runtime_error(path + " has another size than its header says");
  std::memcpy(result.data.data(), bytes.data() + 10 + headerSize, count * sizeof(T));
  return result;
}

} // namespace qopt::test

#endif // QOPT_TEST_UNIT_NUMERICS_GOLDEN_H
