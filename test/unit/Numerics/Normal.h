//===- Normal.h - Normal numbers --------------------------------*- C++ -*-===//
#ifndef QOPT_TEST_UNIT_NUMERICS_NORMAL_H
#define QOPT_TEST_UNIT_NUMERICS_NORMAL_H

#include <cstddef>
#include <random>
#include <vector>

namespace qopt::test {

template <typename Engine = std::mt19937> std::vector<float> normalValues(size_t count, unsigned seed) {
  Engine random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

} // namespace qopt::test

#endif // QOPT_TEST_UNIT_NUMERICS_NORMAL_H
