#include "Context.h"

using namespace qopt::rt;

namespace {

// Cycles, measured on Zen 4 with two cores that share a third-level cache (bench/README.md). Sharing a loop out costs some
// microseconds: the helper's start, and what each core then reads out of the other one's cache.
constexpr int64_t worthSharing = 24'000, worthWaking = 60'000, worthClaiming = 6'000;

/// Iterations of a chunk. Depends on the loop alone; chunks are counted in 32 bits.
int64_t grainOf(int64_t count, int64_t cost) {
  int64_t grain = (worthClaiming - 1) / cost + 1, least = (count >> 31) + 1;
  grain = grain < least ? least : grain;
  return grain < count ? grain : count;
}

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
                                     int64_t cost) {
  if (count <= 0)
    return;
  if (cost < 1)
    cost = 1;
  int64_t worth = ctx->pool.isAsleep() ? worthWaking : worthSharing, grain = grainOf(count, cost);
  // In place: what raises unwinds by itself.
  if (count == grain || count < worth / cost || ctx->inLoop || ctx->pool.threads() == 1)
    return body(args, 0, count);
  Loop loop = {runGuarded, ctx, body, args, count, grain, (count - 1) / grain + 1};
  ctx->inLoop = true;
  ctx->pool.run(loop);
  ctx->inLoop = false;
  if (ctx->raised)
    unwind();
}
