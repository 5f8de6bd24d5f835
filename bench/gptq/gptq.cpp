//===- gptq.cpp - Time of quantizing one layer ----------------------------===//
//
// bench-gptq N K TOKENS THREADS: prints seconds of the Gram matrix, of GPTQ (int4, group 128), and their sum.
//
//===----------------------------------------------------------------------===//

#include "qopt/Numerics/Quantizers/Gptq.h"
#include "qopt/Numerics/Stats/GramStats.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

using namespace qopt;

static std::vector<float> normalValues(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

static ParallelFor threadsOf(int threads) {
  return [threads](int64_t count, const std::function<void(int64_t)> &body) {
    std::atomic<int64_t> next = 0;
    auto work = [&] {
      for (int64_t i = next++; i < count; i = next++)
        body(i);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t)
      others.emplace_back(work);
    work();
    for (std::thread &other : others)
      other.join();
  };
}

int main(int argc, char **argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: bench-gptq N K TOKENS THREADS\n");
    return 2;
  }
  int64_t n = std::atoll(argv[1]), k = std::atoll(argv[2]), tokens = std::atoll(argv[3]);
  ParallelFor parallelFor = threadsOf(std::atoi(argv[4]));
  std::vector<float> weight = normalValues(n * k, 1), x = normalValues(tokens * k, 2);
  std::vector<double> hessian(k * k);
  auto now = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  double start = now();
  GramStats stats(k);
  stats.add(x, parallelFor);
  stats.dense(hessian);
  double middle = now();
  auto result = gptq(weight, {n, k}, hessian, {}, parallelFor);
  double end = now();
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().c_str());
    return 1;
  }
  std::printf("{\"gram_s\": %.3f, \"gptq_s\": %.3f, \"total_s\": %.3f}\n", middle - start, end - middle, end - start);
}
