#include "Memory.h"
#include <bit>
#include <cstdlib>
#include <new>
#include <sys/mman.h>

namespace qopt::rt {
namespace {

constexpr int64_t maxBytes = int64_t(1) << 56;
// From here on a block starts on a huge page, and asks for them.
constexpr int64_t hugePage = int64_t(2) << 20;

/// Class of the smallest block that holds `bytes`: sizes are (4 + step) / 4 * 2^exponent, at most a quarter is slack.
int classOf(int64_t bytes) {
  if (bytes <= minAlign)
    return 0;
  uint64_t last = static_cast<uint64_t>(bytes) - 1;
  int exponent = 63 - std::countl_zero(last);
  int step = static_cast<int>((last >> (exponent - 2)) & 3);
  return (exponent - 6) * 4 + step + 1;
}

int64_t sizeOfClass(int sizeClass) {
  if (sizeClass == 0)
    return minAlign;
  int exponent = (sizeClass - 1) / 4 + 6, step = (sizeClass - 1) % 4 + 1;
  int64_t size = (int64_t(4 + step) << exponent) / 4;
  return (size + minAlign - 1) / minAlign * minAlign;
}

struct Lock {
  explicit Lock(pthread_mutex_t &mutex) : mutex(mutex) { pthread_mutex_lock(&mutex); }
  ~Lock() { pthread_mutex_unlock(&mutex); }
  pthread_mutex_t &mutex;
};

} // namespace

Heap *Heap::create() {
  void *memory = std::malloc(sizeof(Heap));
  return memory ? new (memory) Heap() : nullptr;
}

void Heap::release() {
  endRun(/*failed=*/false);
  trim();
  pthread_mutex_lock(&mutex);
  int64_t left = --references;
  pthread_mutex_unlock(&mutex);
  dropReference(left);
}

/// Ends the heap when `left` says that the last reference has gone.
void Heap::dropReference(int64_t left) {
  if (left != 0)
    return;
  trim();
  pthread_mutex_destroy(&mutex);
  std::free(this);
}

void *Heap::allocate(int64_t bytes, int64_t align, bool isOutput) {
  if (bytes < 0 || bytes > maxBytes || align > maxBytes || (align & (align - 1)) != 0)
    return nullptr;
  if (align < minAlign)
    align = minAlign;
  int sizeClass = classOf(bytes);
  Lock lock(mutex);
  Block *block = takeCached(sizeClass, align);
  if (!block)
    block = fromSystem(sizeClass, align);
  if (!block)
    return nullptr;
  block->isOutput = isOutput;
  references += isOutput;
  link(block);
  counts.live += block->size;
  if (counts.live > counts.peak)
    counts.peak = counts.live;
  return block->data();
}

void Heap::free(Block *block) {
  pthread_mutex_lock(&mutex);
  freeLocked(block);
  int64_t left = references;
  pthread_mutex_unlock(&mutex);
  dropReference(left);
}

void Heap::link(Block *block) {
  block->inRun = true;
  block->previous = nullptr;
  block->next = run;
  if (run)
    run->previous = block;
  run = block;
}

void Heap::unlink(Block *block) {
  block->inRun = false;
  (block->previous ? block->previous->next : run) = block->next;
  if (block->next)
    block->next->previous = block->previous;
}

void Heap::freeLocked(Block *block) {
  counts.live -= block->size;
  references -= block->isOutput;
  if (block->inRun)
    unlink(block);
  block->next = cached[block->sizeClass];
  cached[block->sizeClass] = block;
}

void Heap::endRun(bool failed) {
  Lock lock(mutex);
  while (run)
    if (run->isOutput && !failed)
      unlink(run);
    else
      freeLocked(run);
}

/// A cached block of the class, or of one of the next four (at most twice as large).
Block *Heap::takeCached(int sizeClass, int64_t align) {
  for (int candidate = sizeClass; candidate <= sizeClass + 4 && candidate < numClasses; ++candidate)
    for (Block **link = &cached[candidate]; *link; link = &(*link)->next)
      if ((*link)->align >= align) {
        Block *block = *link;
        *link = block->next;
        return block;
      }
  return nullptr;
}

Block *Heap::fromSystem(int sizeClass, int64_t align) {
  int64_t size = sizeOfClass(sizeClass);
  // Inputs of many lengths leave blocks of many classes behind: hold no more than twice what was ever in use at once.
  int64_t peak = counts.live + size > counts.peak ? counts.live + size : counts.peak;
  trimTo(size, 2 * peak);
  if (size >= hugePage && align < hugePage)
    align = hugePage;
  void *memory = nullptr;
  // The header takes the last 64 bytes below the data.
  if (posix_memalign(&memory, align, size + align) != 0)
    return nullptr;
  if (align >= hugePage)
    madvise(static_cast<char *>(memory) + align, size, MADV_HUGEPAGE);
  Block *block = reinterpret_cast<Block *>(static_cast<char *>(memory) + align) - 1;
  block->heap = this;
  block->size = size;
  block->align = align;
  block->sizeClass = sizeClass;
  counts.held += size;
  return block;
}

void Heap::trimTo(int64_t needed, int64_t limit) {
  for (int sizeClass = numClasses; sizeClass-- > 0;)
    while (cached[sizeClass] && counts.held + needed > limit) {
      Block *block = cached[sizeClass];
      cached[sizeClass] = block->next;
      giveBack(block);
    }
}

void Heap::giveBack(Block *block) {
  counts.held -= block->size;
  std::free(static_cast<char *>(block->data()) - block->align);
}

void Heap::trim() {
  Lock lock(mutex);
  trimTo(0, 0);
}

qopt_rt_memory Heap::memory() {
  Lock lock(mutex);
  return counts;
}

void Heap::resetPeak() {
  Lock lock(mutex);
  counts.peak = counts.live;
}

} // namespace qopt::rt
