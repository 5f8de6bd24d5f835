// The caching allocator of a context: blocks by size class, reused over runs.
//
// Every block has a header just below its data. The blocks that a run takes stand in a list until it ends: scratch is
// then taken back, outputs become the caller's, or are taken back too when the run failed. The heap is counted by its
// context and by every output in use, so that an output outlives its context.
#pragma once
#include "qopt/Runtime/Runtime.h"
#include <pthread.h>

namespace qopt::rt {

constexpr int64_t minAlign = 64;
// Four classes for each power of two from 64 B to 2^56 B.
constexpr int numClasses = 200;

class Heap;

struct alignas(64) Block {
  Heap *heap;
  Block *next, *previous; // in the free list of its class (next only), or in the list of the run
  int64_t size;           // usable bytes: the size of the class
  int64_t align;
  int32_t sizeClass;
  bool isOutput;
  bool inRun; // stands in the list of the run

  void *data() { return this + 1; }
  static Block *of(void *data) { return static_cast<Block *>(data) - 1; }
};
static_assert(sizeof(Block) == 64, "data follow the header at 64-byte alignment");

class Heap {
public:
  static Heap *create();
  /// Drops the context's count.
  void release();

  /// Null when memory is out or `bytes` is out of range.
  void *allocate(int64_t bytes, int64_t align, bool isOutput);
  void free(Block *block);

  /// Takes back the scratch that the run has not freed and, when it failed, its outputs.
  void endRun(bool failed);
  void trim();
  qopt_rt_memory memory();
  void resetPeak();

private:
  void link(Block *block);
  void unlink(Block *block);
  void freeLocked(Block *block);
  Block *takeCached(int sizeClass, int64_t align);
  Block *fromSystem(int sizeClass, int64_t align);
  /// Frees cached blocks, largest first, until `held + needed` is within `limit`.
  void trimTo(int64_t needed, int64_t limit);
  void giveBack(Block *block);
  void dropReference(int64_t left);

  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  Block *cached[numClasses] = {};
  Block *run = nullptr;   // blocks in use that were taken since the last run ended
  int64_t references = 1; // the context, and every output in use
  qopt_rt_memory counts = {};
};

} // namespace qopt::rt
