// A small pool for loops: the caller claims chunks from the front, workers from the back. So a core meets in its caches much of what it
// has written in the loop before.
//
// A caller that also works and chunks that are claimed late keep a loop close to its serial time when another process
// takes a core away; workers spin between the loops of a run and for some microseconds after it, then sleep.
#pragma once
#include "qopt/Runtime/Runtime.h"
#include <atomic>
#include <pthread.h>

namespace qopt::rt {

/// One loop. `run` calls the body on chunks [first, last); false stops the loop early.
struct Loop {
  bool (*run)(const Loop &loop, int64_t firstChunk, int64_t lastChunk);
  qopt_rt_context *context;
  qopt_body_fn body;
  void *args;
  int64_t count, grain, chunks;
};

class ThreadPool {
public:
  /// Starts up to `threads - 1` workers.
  explicit ThreadPool(int32_t threads);
  ~ThreadPool();

  int32_t threads() const { return numWorkers + 1; }

  /// Whether a loop has to wake every worker first.
  bool isAsleep() const { return sleepers.load(std::memory_order_relaxed) == numWorkers; }
  /// While a program runs, workers wait longer for its next loop before they sleep.
  void setRunning(bool now) { running.store(now, std::memory_order_relaxed); }

  /// Runs all chunks; the caller's thread takes part. One loop at a time.
  void run(const Loop &loop);

private:
  static void *workerMain(void *pool);
  void work();
  enum class End { Front, Back };
  void takePart(End end);
  bool waitForLoop(uint64_t seen);
  void wake();

  // A worker may read `loop` only between entering (inside++) and leaving, and only if it finds the loop open after
  // entering; the caller closes the loop and waits until nobody is inside before it touches `loop` again.
  alignas(64) std::atomic<uint64_t> left{0}; ///< chunks that nobody has claimed: the first in the upper half, the one behind the last in the lower
  alignas(64) std::atomic<int32_t> inside{0};
  alignas(64) std::atomic<uint64_t> epoch{0};
  std::atomic<bool> open{false};
  std::atomic<bool> running{false};
  std::atomic<bool> stopping{false};
  std::atomic<int32_t> sleepers{0};
  std::atomic<bool> callerSleeps{false};
  Loop loop{};

  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t loopOpened = PTHREAD_COND_INITIALIZER;
  pthread_cond_t loopLeft = PTHREAD_COND_INITIALIZER;
  pthread_t *workers = nullptr;
  int32_t numWorkers = 0;
};

} // namespace qopt::rt
