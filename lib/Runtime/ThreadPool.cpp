#include "ThreadPool.h"
#include <cstdlib>
#include <new>
#include <sched.h>

namespace qopt::rt {
namespace {

// About 20 µs on today's cores: longer than the gap between two runs in a row, shorter than what another process would miss.
constexpr int spins = 1000;
// About 200 µs: small loops run in place, and waking a worker costs more than most of them.
constexpr int spinsInRun = 10'000;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// With a thread for every CPU that the process may use, each worker stays on one of its own, all but the first of them: a
/// worker that wakes is often put beside the one that woke it, and stays there for milliseconds. With fewer threads the
/// system places them, so that processes do not meet on the same CPUs.
void placeWorkers(const pthread_t *workers, int32_t count) {
  cpu_set_t allowed, own;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) != count + 1)
    return;
  int32_t worker = -1; // The first CPU is left to the caller.
  for (int cpu = 0; cpu < CPU_SETSIZE && worker < count; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || ++worker == 0)
      continue;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    pthread_setaffinity_np(workers[worker - 1], sizeof own, &own);
  }
}

} // namespace

ThreadPool::ThreadPool(int32_t threads) {
  if (threads <= 1)
    return;
  workers = static_cast<pthread_t *>(std::malloc(sizeof(pthread_t) * (threads - 1)));
  if (!workers)
    return;
  while (numWorkers < threads - 1 && pthread_create(&workers[numWorkers], nullptr, workerMain, this) == 0)
    ++numWorkers;
  placeWorkers(workers, numWorkers);
}

ThreadPool::~ThreadPool() {
  stopping = true;
  ++epoch;
  wake();
  for (int32_t i = 0; i < numWorkers; ++i)
    pthread_join(workers[i], nullptr);
  std::free(workers);
  pthread_cond_destroy(&loopOpened);
  pthread_cond_destroy(&loopLeft);
  pthread_mutex_destroy(&mutex);
}

void ThreadPool::run(const Loop &newLoop) {
  loop = newLoop;
  left.store(static_cast<uint64_t>(loop.chunks), std::memory_order_relaxed);
  open = true;
  ++epoch;
  wake();
  takePart(End::Front);
  open = false;
  for (int i = 0; i < spins && inside != 0; ++i)
    pause();
  if (inside == 0)
    return;
  // A worker has lost its core in the middle of a chunk: sleep, so that it may have this one.
  pthread_mutex_lock(&mutex);
  callerSleeps = true;
  while (inside != 0)
    pthread_cond_wait(&loopLeft, &mutex);
  callerSleeps = false;
  pthread_mutex_unlock(&mutex);
}

/// Claims chunks until none is left: large runs first, single chunks at the end, so that all threads finish together.
void ThreadPool::takePart(End end) {
  uint32_t shares = 4 * static_cast<uint32_t>(threads());
  for (;;) {
    uint64_t now = left.load(std::memory_order_relaxed);
    uint32_t first, last, take;
    do {
      first = static_cast<uint32_t>(now >> 32), last = static_cast<uint32_t>(now);
      if (first >= last)
        return;
      take = (last - first) / shares > 1 ? (last - first) / shares : 1;
    } while (!left.compare_exchange_weak(now, end == End::Front ? now + (uint64_t(take) << 32) : now - take, std::memory_order_relaxed));
    uint32_t begin = end == End::Front ? first : last - take;
    if (!loop.run(loop, begin, begin + take)) {
      left.store(0, std::memory_order_relaxed);
      return;
    }
  }
}

void *ThreadPool::workerMain(void *pool) {
  static_cast<ThreadPool *>(pool)->work();
  return nullptr;
}

void ThreadPool::work() {
  uint64_t seen = 0;
  while (waitForLoop(seen)) {
    seen = epoch;
    ++inside;
    if (open)
      takePart(End::Back);
    if (--inside == 0 && callerSleeps) {
      pthread_mutex_lock(&mutex);
      pthread_cond_signal(&loopLeft);
      pthread_mutex_unlock(&mutex);
    }
  }
}

/// Waits until the epoch is no longer `seen`; false when the pool ends.
bool ThreadPool::waitForLoop(uint64_t seen) {
  for (int i = 0; epoch == seen && i < (running.load(std::memory_order_relaxed) ? spinsInRun : spins); ++i)
    pause();
  if (epoch == seen) {
    pthread_mutex_lock(&mutex);
    ++sleepers;
    while (epoch == seen)
      pthread_cond_wait(&loopOpened, &mutex);
    --sleepers;
    pthread_mutex_unlock(&mutex);
  }
  return !stopping;
}

void ThreadPool::wake() {
  if (sleepers == 0)
    return;
  pthread_mutex_lock(&mutex);
  pthread_cond_broadcast(&loopOpened);
  pthread_mutex_unlock(&mutex);
}

} // namespace qopt::rt
