//===- Parallel.h - The caller's threads -------------------------*- C++ -*-===//
//
// Numerics starts no threads. Long functions take a ParallelFor and call it with independent pieces of work of a size that
// does not depend on the number of threads; each piece writes its own outputs, and sums over pieces are taken in order
// afterwards. So the bytes out are the same for any number of threads.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_SUPPORT_PARALLEL_H
#define QOPT_NUMERICS_SUPPORT_PARALLEL_H

#include <cstdint>
#include <functional>

namespace qopt {

/// Runs body(0) … body(count - 1), each once, in any order and on any threads, and returns when all are done.
using ParallelFor = std::function<void(int64_t count, const std::function<void(int64_t)> &body)>;

inline void serialFor(int64_t count, const std::function<void(int64_t)> &body) {
  for (int64_t i = 0; i < count; ++i)
    body(i);
}

} // namespace qopt

#endif // QOPT_NUMERICS_SUPPORT_PARALLEL_H
