#include "qopt/Runtime/Runtime.h"
#include "gtest/gtest.h"
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Context = std::unique_ptr<qopt_rt_context, decltype(&qopt_rt_destroy)>;
Context makeContext(int threads) { return {qopt_rt_create(threads), qopt_rt_destroy}; }

qopt_rt_memory memoryOf(const Context &context) {
  qopt_rt_memory memory;
  qopt_rt_memory_read(context.get(), &memory);
  return memory;
}

void scalarOutput(qopt_rt_context *ctx, qopt_tensor &output, float value) {
  output = {qopt_rt_alloc_output(ctx, sizeof(float)), QOPT_FLOAT32, 0, {}};
  std::memcpy(output.data, &value, sizeof value);
}

TEST(Memory, BlocksAreAlignedAndReused) {
  Context context = makeContext(1);
  for (int64_t bytes : {int64_t(0), int64_t(1), int64_t(100), int64_t(5) << 20})
    for (int64_t align : {1, 64, 4096}) {
      void *block = qopt_rt_alloc(context.get(), bytes, align);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % std::max<int64_t>(align, 64), 0u);
      std::memset(block, 1, bytes);
      qopt_rt_free(context.get(), block);
      EXPECT_EQ(qopt_rt_alloc(context.get(), bytes, align), block);
      qopt_rt_free(context.get(), block);
    }
  EXPECT_EQ(memoryOf(context).live, 0);
  qopt_rt_trim(context.get());
  EXPECT_EQ(memoryOf(context).held, 0);
}

TEST(Memory, SizeClassesHoldTheRequest) {
  Context context = makeContext(1);
  for (int64_t bytes = 1; bytes < 300000; bytes += bytes / 7 + 1) {
    int64_t before = memoryOf(context).live;
    void *block = qopt_rt_alloc(context.get(), bytes, 64);
    std::memset(block, 0xff, bytes);
    int64_t taken = memoryOf(context).live - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(taken, std::max<int64_t>(2 * bytes, 64));
    if (bytes % 2)
      qopt_rt_free(context.get(), block);
  }
}

TEST(Memory, PeakCountsWhatLivesAtOnce) {
  Context context = makeContext(1);
  void *a = qopt_rt_alloc(context.get(), 1 << 16, 64);
  qopt_rt_free(context.get(), a);
  void *b = qopt_rt_alloc(context.get(), 1 << 15, 64);
  void *c = qopt_rt_alloc(context.get(), 1 << 15, 64);
  EXPECT_LE(memoryOf(context).peak, 1 << 17);
  EXPECT_GE(memoryOf(context).peak, 1 << 16);
  qopt_rt_free(context.get(), b);
  qopt_rt_free(context.get(), c);
  qopt_rt_memory_reset_peak(context.get());
  EXPECT_EQ(memoryOf(context).peak, 0);
}

TEST(Memory, ManyLengthsDoNotPileUp) {
  Context context = makeContext(1);
  for (int64_t bytes = 1 << 16; bytes < 1 << 24; bytes += bytes / 5)
    qopt_rt_free(context.get(), qopt_rt_alloc(context.get(), bytes, 64));
  EXPECT_LE(memoryOf(context).held, 2 * memoryOf(context).peak);
}

TEST(Run, TakesBackScratchAndKeepsOutputs) {
  Context context = makeContext(2);
  auto entry = [](qopt_rt_context *ctx, const qopt_tensor *, qopt_tensor *outputs) {
    qopt_rt_alloc(ctx, 1000, 64); // never freed
    scalarOutput(ctx, outputs[0], 42);
  };
  qopt_tensor output;
  ASSERT_EQ(qopt_rt_run(context.get(), entry, nullptr, &output, 1), 0);
  EXPECT_EQ(qopt_rt_error(context.get()), nullptr);
  EXPECT_EQ(memoryOf(context).live, 64);
  context.reset(); // the output outlives its context
  EXPECT_EQ(*static_cast<float *>(output.data), 42);
  qopt_rt_release(output.data);
}

TEST(Run, RaisingUnwindsAndTakesOutputsBack) {
  Context context = makeContext(2);
  auto entry = [](qopt_rt_context *ctx, const qopt_tensor *, qopt_tensor *outputs) {
    scalarOutput(ctx, outputs[0], 1);
    qopt_rt_alloc_output(ctx, 100); // not stored yet
    int64_t values[] = {7, -3};
    qopt_rt_raise(ctx, "node 'g' (Gather): index {0} is outside [{1}, 3] {x", values, 2);
  };
  qopt_tensor output;
  EXPECT_EQ(qopt_rt_run(context.get(), entry, nullptr, &output, 1), 1);
  EXPECT_STREQ(qopt_rt_error(context.get()), "node 'g' (Gather): index 7 is outside [-3, 3] {x");
  EXPECT_EQ(output.data, nullptr);
  EXPECT_EQ(memoryOf(context).live, 0);
}

TEST(Run, FailingGoesOnAndTheFirstErrorStands) {
  Context context = makeContext(1);
  static bool wentOn;
  wentOn = false;
  auto entry = [](qopt_rt_context *ctx, const qopt_tensor *, qopt_tensor *) {
    qopt_rt_fail(ctx, "first", nullptr, 0);
    qopt_rt_fail(ctx, "second", nullptr, 0);
    wentOn = true;
  };
  EXPECT_EQ(qopt_rt_run(context.get(), entry, nullptr, nullptr, 0), 1);
  EXPECT_TRUE(wentOn);
  EXPECT_STREQ(qopt_rt_error(context.get()), "first");
  auto fine = [](qopt_rt_context *, const qopt_tensor *, qopt_tensor *) {};
  EXPECT_EQ(qopt_rt_run(context.get(), fine, nullptr, nullptr, 0), 0);
  EXPECT_EQ(qopt_rt_error(context.get()), nullptr);
}

TEST(Run, LongSentencesAreCut) {
  Context context = makeContext(1);
  auto entry = [](qopt_rt_context *ctx, const qopt_tensor *, qopt_tensor *) {
    std::string sentence(1019, 'x');
    int64_t value = 123456789;
    qopt_rt_fail(ctx, (sentence + "{0}{0}").c_str(), &value, 1);
  };
  EXPECT_EQ(qopt_rt_run(context.get(), entry, nullptr, nullptr, 0), 1);
  EXPECT_EQ(std::strlen(qopt_rt_error(context.get())), 1023u);
}

TEST(Run, RaisingInALoopStopsAllThreads) {
  for (int threads : {1, 2, 5}) {
    Context context = makeContext(threads);
    for (int round = 0; round < 200; ++round) {
      static bool after;
      after = false;
      auto entry = [](qopt_rt_context *ctx, const qopt_tensor *, qopt_tensor *) {
        auto body = [](void *args, int64_t begin, int64_t end) {
          auto *ctx = static_cast<qopt_rt_context *>(args);
          for (int64_t index = begin; index < end; ++index) {
            qopt_rt_alloc(ctx, 64, 64);
            if (index == 57)
              qopt_rt_raise(ctx, "index {0}", &index, 1);
          }
        };
        qopt_rt_parallel_for(ctx, body, ctx, 100, 1'000'000);
        after = true;
      };
      ASSERT_EQ(qopt_rt_run(context.get(), entry, nullptr, nullptr, 0), 1);
      EXPECT_STREQ(qopt_rt_error(context.get()), "index 57");
      EXPECT_FALSE(after);
      EXPECT_EQ(memoryOf(context).live, 0);
    }
    // The pool is whole again.
    std::atomic<int64_t> sum{0};
    auto add = [](void *args, int64_t begin, int64_t end) {
      *static_cast<std::atomic<int64_t> *>(args) += end - begin;
    };
    qopt_rt_parallel_for(context.get(), add, &sum, 100, 1'000'000);
    EXPECT_EQ(sum, 100);
  }
}

TEST(Run, HugeRequestsAreErrors) {
  for (int64_t bytes : {int64_t(-1), int64_t(1) << 55, INT64_MAX}) {
    Context context = makeContext(1);
    static int64_t wanted;
    wanted = bytes;
    auto entry = [](qopt_rt_context *ctx, const qopt_tensor *, qopt_tensor *) { qopt_rt_alloc(ctx, wanted, 64); };
    EXPECT_EQ(qopt_rt_run(context.get(), entry, nullptr, nullptr, 0), 1);
    EXPECT_EQ(std::string(qopt_rt_error(context.get())),
              "not enough memory for " + std::to_string(bytes) + " bytes of scratch space; run a smaller batch");
  }
}

TEST(Run, CallersOfOneContextWait) {
  Context context = makeContext(2);
  std::vector<std::thread> callers;
  std::atomic<int> good{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      auto entry = [](qopt_rt_context *ctx, const qopt_tensor *inputs, qopt_tensor *outputs) {
        scalarOutput(ctx, outputs[0], *static_cast<float *>(inputs[0].data) + 1);
      };
      for (int round = 0; round < 300; ++round) {
        float value = static_cast<float>(caller * 1000 + round);
        qopt_tensor input = {&value, QOPT_FLOAT32, 0, {}}, output;
        good += qopt_rt_run(context.get(), entry, &input, &output, 1) == 0 &&
                *static_cast<float *>(output.data) == value + 1;
        qopt_rt_release(output.data);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(good, 1200);
  EXPECT_EQ(memoryOf(context).live, 0);
}

struct Seen {
  int32_t site = -1, rank = -1;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

TEST(Observe, ViewsArriveDense) {
  Context context = makeContext(1);
  Seen seen;
  const float data[] = {0, 1, 2, 3, 4, 5};
  int64_t shape[] = {3, 2}, strides[] = {1, 3};
  qopt_rt_observe(context.get(), 3, data, QOPT_FLOAT32, 2, shape, strides); // nobody looks
  qopt_rt_set_observer(
      context.get(),
      [](void *user, int32_t site, const qopt_tensor *value) {
        auto *seen = static_cast<Seen *>(user);
        seen->site = site;
        seen->shape.assign(value->shape, value->shape + value->rank);
        auto *first = static_cast<const float *>(value->data);
        seen->values.assign(first, first + 6);
      },
      &seen);
  qopt_rt_observe(context.get(), 3, data, QOPT_FLOAT32, 2, shape, strides);
  EXPECT_EQ(seen.site, 3);
  EXPECT_EQ(seen.shape, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(seen.values, (std::vector<float>{0, 3, 1, 4, 2, 5}));
  qopt_rt_observe(context.get(), 4, data, QOPT_FLOAT32, 2, shape, nullptr);
  EXPECT_EQ(seen.values, (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(memoryOf(context).live, 0);
}

TEST(Profile, CountsCallsOnlyWhenOn) {
  Context context = makeContext(1);
  qopt_rt_kernel_time time;
  qopt_rt_profile_begin(context.get(), 0);
  qopt_rt_profile_end(context.get(), 0);
  ASSERT_EQ(qopt_rt_profile_enable(context.get(), 2), 0);
  for (int call = 0; call < 3; ++call) {
    qopt_rt_profile_begin(context.get(), 1);
    qopt_rt_profile_end(context.get(), 1);
  }
  qopt_rt_profile_end(context.get(), 9); // unknown: not counted
  qopt_rt_profile_read(context.get(), 1, &time);
  EXPECT_EQ(time.calls, 3);
  EXPECT_LE(time.min_ns, time.max_ns);
  EXPECT_GE(time.total_ns, time.max_ns);
  qopt_rt_profile_read(context.get(), 0, &time);
  EXPECT_EQ(time.calls, 0);
  qopt_rt_profile_read(context.get(), 9, &time);
  EXPECT_EQ(time.calls, 0);
}

} // namespace
