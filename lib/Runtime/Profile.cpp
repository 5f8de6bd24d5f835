#include "Context.h"
#include <cstdlib>
#include <ctime>

namespace {

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace

extern "C" {

int32_t qopt_rt_profile_enable(qopt_rt_context *ctx, int32_t kernels) {
  std::free(ctx->profile);
  ctx->profile = nullptr;
  ctx->profiledKernels = 0;
  if (kernels <= 0)
    return 0;
  ctx->profile = static_cast<qopt_rt_kernel_time *>(std::calloc(kernels, sizeof(qopt_rt_kernel_time)));
  if (!ctx->profile)
    return 1;
  ctx->profiledKernels = kernels;
  return 0;
}

void qopt_rt_profile_begin(qopt_rt_context *ctx, int32_t kernel) {
  if (__builtin_expect(ctx->profile != nullptr, 0))
    ctx->kernelStart = now();
}

void qopt_rt_profile_end(qopt_rt_context *ctx, int32_t kernel) {
  if (__builtin_expect(ctx->profile == nullptr, 1) || kernel < 0 || kernel >= ctx->profiledKernels)
    return;
  int64_t spent = now() - ctx->kernelStart;
  qopt_rt_kernel_time &time = ctx->profile[kernel];
  time.min_ns = time.calls == 0 || spent < time.min_ns ? spent : time.min_ns;
  time.max_ns = spent > time.max_ns ? spent : time.max_ns;
  time.total_ns += spent;
  ++time.calls;
}

void qopt_rt_profile_read(const qopt_rt_context *ctx, int32_t kernel, qopt_rt_kernel_time *time) {
  *time = kernel >= 0 && kernel < ctx->profiledKernels ? ctx->profile[kernel] : qopt_rt_kernel_time{};
}

} // extern "C"
