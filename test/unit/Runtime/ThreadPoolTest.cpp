#include "qopt/Runtime/Runtime.h"
#include "gtest/gtest.h"
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <sched.h>
#include <thread>
#include <vector>

namespace {

using Context = std::unique_ptr<qopt_rt_context, decltype(&qopt_rt_destroy)>;
Context makeContext(int threads) { return {qopt_rt_create(threads), qopt_rt_destroy}; }

// A cost that makes every index a chunk of its own.
constexpr int64_t dear = 1'000'000;

struct Counts {
  std::vector<std::atomic<int>> calls;
  std::atomic<int> ranges{0};
};

void countCalls(void *args, int64_t begin, int64_t end) {
  auto *counts = static_cast<Counts *>(args);
  ++counts->ranges;
  for (int64_t i = begin; i < end; ++i)
    ++counts->calls[i];
}

TEST(ThreadPool, EveryIndexOnceForAnyThreadsAndCost) {
  for (int threads : {1, 2, 3, 8})
    for (int64_t cost : {int64_t(-1), int64_t(1), int64_t(500), dear, INT64_MAX})
      for (int64_t count : {0, 1, 63, 1000}) {
        Context context = makeContext(threads);
        Counts counts{std::vector<std::atomic<int>>(count)};
        qopt_rt_parallel_for(context.get(), countCalls, &counts, count, cost);
        for (auto &calls : counts.calls)
          EXPECT_EQ(calls, 1);
      }
}

TEST(ThreadPool, ManyShortLoops) {
  Context context = makeContext(4);
  for (int round = 0; round < 20000; ++round) {
    Counts counts{std::vector<std::atomic<int>>(9)};
    qopt_rt_parallel_for(context.get(), countCalls, &counts, 9, dear);
    for (auto &calls : counts.calls)
      ASSERT_EQ(calls, 1);
  }
}

TEST(ThreadPool, CheapLoopsStayOnTheCallersThread) {
  Context context = makeContext(4);
  auto body = [](void *args, int64_t, int64_t) {
    if (std::this_thread::get_id() != *static_cast<std::thread::id *>(args))
      ADD_FAILURE() << "a loop of 2,000 cycles on another thread";
  };
  std::thread::id caller = std::this_thread::get_id();
  for (int round = 0; round < 2000; ++round)
    qopt_rt_parallel_for(context.get(), body, &caller, 100, 20);
}

TEST(ThreadPool, CostDecidesHowOftenTheBodyIsCalled) {
  Context context = makeContext(2);
  auto ranges = [&](int64_t count, int64_t cost) {
    Counts counts{std::vector<std::atomic<int>>(count)};
    qopt_rt_parallel_for(context.get(), countCalls, &counts, count, cost);
    return counts.ranges.load();
  };
  EXPECT_EQ(ranges(1000, 1), 1);
  EXPECT_EQ(ranges(50, dear), 50);
  int some = ranges(100'000, 10); // chunks of some thousand cycles
  EXPECT_GT(some, 20);
  EXPECT_LT(some, 1000);
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
    qopt_rt_parallel_for(static_cast<Nested *>(args)->context, inner, args, 10, dear);
  };
  qopt_rt_parallel_for(context.get(), outer, &nested, 50, dear);
  EXPECT_EQ(nested.sum, 500);
}

TEST(ThreadPool, ContextsRunSideBySide) {
  std::vector<std::thread> callers;
  std::atomic<int> good{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      Context context = makeContext(2);
      for (int round = 0; round < 500; ++round) {
        Counts counts{std::vector<std::atomic<int>>(40)};
        qopt_rt_parallel_for(context.get(), countCalls, &counts, 40, dear);
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

int allowedCpus() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

struct Places {
  std::mutex mutex;
  std::map<std::thread::id, int> cpus;
};

void notePlace(void *args, int64_t, int64_t) {
  auto *places = static_cast<Places *>(args);
  {
    std::lock_guard lock(places->mutex);
    places->cpus[std::this_thread::get_id()] = allowedCpus();
  }
  std::this_thread::sleep_for(std::chrono::microseconds(50));
}

TEST(ThreadPool, PlacesWorkersWhereThereIsAThreadForEachCpu) {
  int all = allowedCpus();
  ASSERT_GT(all, 0);
  for (int threads : {all, all + 1}) {
    Context context = makeContext(threads);
    Places places;
    // A worker that comes late finds nothing left to do: again until all have been there.
    for (int tries = 0; tries < 1000 && static_cast<int>(places.cpus.size()) < threads; ++tries)
      qopt_rt_parallel_for(context.get(), notePlace, &places, 64, dear);
    EXPECT_EQ(static_cast<int>(places.cpus.size()), threads);
    for (auto [thread, cpus] : places.cpus)
      EXPECT_EQ(cpus, threads == all && thread != std::this_thread::get_id() ? 1 : all);
  }
}

} // namespace
