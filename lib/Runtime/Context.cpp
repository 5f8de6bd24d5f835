#include "Context.h"
#include <cstdlib>
#include <new>
#include <sched.h>

using namespace qopt::rt;

namespace {

int32_t usableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

struct EntryCall {
  qopt_rt_context *ctx;
  qopt_entry_fn entry;
  const qopt_tensor *inputs;
  qopt_tensor *outputs;
};

void callEntry(void *argument) {
  auto *call = static_cast<EntryCall *>(argument);
  call->entry(call->ctx, call->inputs, call->outputs);
}

} // namespace

extern "C" {

qopt_rt_context *qopt_rt_create(int32_t threads) {
  Heap *heap = Heap::create();
  void *memory = std::aligned_alloc(alignof(qopt_rt_context), sizeof(qopt_rt_context));
  if (heap && memory)
    return new (memory) qopt_rt_context(heap, threads > 0 ? threads : usableCores());
  if (heap)
    heap->release();
  std::free(memory);
  return nullptr;
}

void qopt_rt_destroy(qopt_rt_context *ctx) {
  if (!ctx)
    return;
  ctx->heap->release();
  std::free(ctx->profile);
  pthread_mutex_destroy(&ctx->running);
  pthread_mutex_destroy(&ctx->errorMutex);
  ctx->~qopt_rt_context();
  std::free(ctx);
}

int32_t qopt_rt_threads(const qopt_rt_context *ctx) { return ctx->pool.threads(); }

int32_t qopt_rt_run(qopt_rt_context *ctx, qopt_entry_fn entry, const qopt_tensor *inputs, qopt_tensor *outputs,
                    int32_t num_outputs) {
  pthread_mutex_lock(&ctx->running);
  ctx->failed = false;
  for (int32_t i = 0; i < num_outputs; ++i)
    outputs[i].data = nullptr;
  EntryCall call = {ctx, entry, inputs, outputs};
  ctx->pool.setRunning(true);
  guarded(callEntry, &call);
  ctx->pool.setRunning(false);
  bool failed = ctx->failed;
  ctx->raised = false;
  ctx->inLoop = false;
  ctx->heap->endRun(failed);
  for (int32_t i = 0; failed && i < num_outputs; ++i)
    outputs[i].data = nullptr;
  pthread_mutex_unlock(&ctx->running);
  return failed;
}

void *qopt_rt_alloc(qopt_rt_context *ctx, int64_t bytes, int64_t align) {
  if (void *block = ctx->heap->allocate(bytes, align, /*isOutput=*/false))
    return block;
  qopt_rt_raise(ctx, "not enough memory for {0} bytes of scratch space; run a smaller batch", &bytes, 1);
}

void qopt_rt_free(qopt_rt_context *ctx, void *block) {
  if (block)
    ctx->heap->free(Block::of(block));
}

void *qopt_rt_alloc_output(qopt_rt_context *ctx, int64_t bytes) {
  if (void *block = ctx->heap->allocate(bytes, minAlign, /*isOutput=*/true))
    return block;
  qopt_rt_raise(ctx, "not enough memory for an output of {0} bytes; run a smaller batch", &bytes, 1);
}

void qopt_rt_release(void *output) {
  if (output)
    Block::of(output)->heap->free(Block::of(output));
}

void qopt_rt_memory_read(qopt_rt_context *ctx, qopt_rt_memory *memory) { *memory = ctx->heap->memory(); }
void qopt_rt_memory_reset_peak(qopt_rt_context *ctx) { ctx->heap->resetPeak(); }
void qopt_rt_trim(qopt_rt_context *ctx) { ctx->heap->trim(); }

} // extern "C"
