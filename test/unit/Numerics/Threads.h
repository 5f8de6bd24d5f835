//===- Threads.h - Two threads that disturb the order ------------*- C++ -*-===//
#ifndef QOPT_TEST_UNIT_NUMERICS_THREADS_H
#define QOPT_TEST_UNIT_NUMERICS_THREADS_H

#include <cstdint>
#include <functional>
#include <thread>

namespace qopt::test {

/// A ParallelFor on two threads, one of which goes backwards.
inline void twoThreads(int64_t count, const std::function<void(int64_t)> &body) {
  std::thread odd([&] {
    for (int64_t i = 1; i < count; i += 2)
      body(i);
  });
  for (int64_t i = (count - 1) & ~int64_t{1}; i >= 0; i -= 2)
    body(i);
  odd.join();
}

} // namespace qopt::test

#endif // QOPT_TEST_UNIT_NUMERICS_THREADS_H
