#include "Context.h"

using namespace qopt::rt;

namespace {

struct Chunks {
  const Loop &loop;
  int64_t first, last;
};

void callBody(void *argument) {
  auto *chunks = static_cast<Chunks *>(argument);
  const Loop &loop = chunks->loop;
  for (int64_t chunk = chunks->first; chunk < chunks->last; ++chunk) {
    int64_t begin = chunk * loop.grain, rest = loop.count - begin;
    loop.body(loop.args, begin, begin + (rest < loop.grain ? rest : loop.grain));
  }
}

/// On any thread: what raises in here ends the loop, not the program.
bool runGuarded(const Loop &loop, int64_t first, int64_t last) {
  Chunks chunks = {loop, first, last};
  return !loop.context->raised && guarded(callBody, &chunks);
}

} // namespace

extern "C" void qopt_rt_parallel_for(qopt_rt_context *ctx, qopt_body_fn body, void *args, int64_t count,
                                     int64_t grain) {
  if (count <= 0)
    return;
  if (grain < 1)
    grain = 1;
  Loop loop = {runGuarded, ctx, body, args, count, grain, (count - 1) / grain + 1};
  // In place: what raises unwinds by itself.
  if (loop.chunks == 1 || ctx->inLoop || ctx->pool.threads() == 1) {
    Chunks all = {loop, 0, loop.chunks};
    callBody(&all);
    return;
  }
  ctx->inLoop = true;
  ctx->pool.run(loop);
  ctx->inLoop = false;
  if (ctx->raised)
    unwind();
}
