#include "qopt/Runtime/Runtime.h"
#include "gtest/gtest.h"
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace {

using Context = std::unique_ptr<qopt_rt_context, decltype(&qopt_rt_destroy)>;
Context makeContext(int threads) { return {qopt_rt_create(threads), qopt_rt_destroy}; }

struct Counts {
  std::vector<std::atomic<int>> calls;
  int64_t grain;
  std::atomic<bool> badChunk{false};
};

void countCalls(void *args, int64_t begin, int64_t end) {
  auto *counts = static_cast<Counts *>(args);
  int64_t size = static_cast<int64_t>(counts->calls.size());
  if (begin % counts->grain != 0 || end != std::min(begin + counts->grain, size))
    counts->badChunk = true;
  for (int64_t i = begin; i < end; ++i)
    ++counts->calls[i];
}

TEST(ThreadPool, EveryChunkOnceForAnyThreads) {
  for (int threads : {1, 2, 3, 8})
    for (int64_t grain : {1, 7, 64, 5000})
      for (int64_t count : {0, 1, 63, 1000}) {
        Context context = makeContext(threads);
        Counts counts{std::vector<std::atomic<int>>(count), grain};
        qopt_rt_parallel_for(context.get(), countCalls, &counts, count, grain);
        EXPECT_FALSE(counts.badChunk);
        for (auto &calls : counts.calls)
          EXPECT_EQ(calls, 1);
      }
}

TEST(ThreadPool, ManyShortLoops) {
  Context context = makeContext(4);
  for (int round = 0; round < 20000; ++round) {
    Counts counts{std::vector<std::atomic<int>>(9), 1};
    qopt_rt_parallel_for(context.get(), countCalls, &counts, 9, 1);
    for (auto &calls : counts.calls)
      ASSERT_EQ(calls, 1);
  }
}

struct Nested {
  qopt_rt_context *context;
  std::atomic<int64_t> sum{0};
};

TEST(ThreadPool, InnerLoopsRunInPlace) {
  Context context = makeContext(3);
  Nested nested{context.get()};
  auto outer = [](void *args, int64_t begin, int64_t end) {
    auto inner = [](void *args, int64_t begin, int64_t end) { static_cast<Nested *>(args)->sum += end - begin; };
    qopt_rt_parallel_for(static_cast<Nested *>(args)->context, inner, args, 10, 3);
  };
  qopt_rt_parallel_for(context.get(), outer, &nested, 50, 1);
  EXPECT_EQ(nested.sum, 500);
}

TEST(ThreadPool, ContextsRunSideBySide) {
  std::vector<std::thread> callers;
  std::atomic<int> good{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      Context context = makeContext(2);
      for (int round = 0; round < 500; ++round) {
        Counts counts{std::vector<std::atomic<int>>(40), 4};
        qopt_rt_parallel_for(context.get(), countCalls, &counts, 40, 4);
        good += std::all_of(counts.calls.begin(), counts.calls.end(), [](auto &calls) { return calls == 1; });
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(good, 2000);
}

TEST(ThreadPool, CountsThreads) {
  EXPECT_EQ(qopt_rt_threads(makeContext(3).get()), 3);
  EXPECT_GE(qopt_rt_threads(makeContext(0).get()), 1);
}

} // namespace
