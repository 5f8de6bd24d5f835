// All state of a context.
#pragma once
#include "Memory.h"
#include "ThreadPool.h"
#include "qopt/Runtime/Runtime.h"

struct qopt_rt_context {
  explicit qopt_rt_context(qopt::rt::Heap *heap, int32_t threads) : heap(heap), pool(threads) {}

  qopt::rt::Heap *heap;
  qopt::rt::ThreadPool pool;
  pthread_mutex_t running = PTHREAD_MUTEX_INITIALIZER; // held for the time of a run
  bool inLoop = false;                                 // a loop's bodies run now: further loops run in place

  // The run's error. `failed` is set last, so that who sees it may read the text.
  pthread_mutex_t errorMutex = PTHREAD_MUTEX_INITIALIZER;
  std::atomic<bool> failed{false};
  std::atomic<bool> raised{false}; // the run is to unwind
  char error[1024] = {};

  qopt_observe_fn observe = nullptr;
  void *observer = nullptr;

  qopt_rt_kernel_time *profile = nullptr;
  int32_t profiledKernels = 0;
  int64_t kernelStart = 0;
};

namespace qopt::rt {

/// Calls `call(argument)`; false when it raised. Frames in between are left by longjmp: they own nothing.
bool guarded(void (*call)(void *), void *argument);
/// Leaves the innermost `guarded` call of this thread.
[[noreturn]] void unwind();

/// Bytes of one element of a qopt_tensor; 0 for a code that is none.
int64_t elementSize(int32_t dtype);

/// Copies a strided array to another; strides in elements.
void copyStrided(char *target, const int64_t *targetStrides, const char *source, const int64_t *sourceStrides,
                 const int64_t *shape, int32_t rank, int64_t size);

} // namespace qopt::rt
