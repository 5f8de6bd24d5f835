#include "Context.h"
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace qopt::rt {
namespace {

// The innermost guarded call of this thread, whatever context it is for.
__thread jmp_buf *innermost = nullptr;

/// `sentence` with {0}, {1}, … replaced, cut to `size`.
void format(char *out, size_t size, const char *sentence, const int64_t *values, int32_t numValues) {
  size_t length = 0;
  while (*sentence && length + 1 < size) {
    int32_t index = sentence[0] == '{' && sentence[1] >= '0' && sentence[1] <= '9' && sentence[2] == '}'
                        ? sentence[1] - '0'
                        : numValues;
    if (index < numValues) {
      int written = std::snprintf(out + length, size - length, "%lld", static_cast<long long>(values[index]));
      length = written < static_cast<int>(size - length) ? length + written : size - 1;
      sentence += 3;
    } else {
      out[length++] = *sentence++;
    }
  }
  out[length] = '\0';
}

} // namespace

bool guarded(void (*call)(void *), void *argument) {
  jmp_buf frame;
  jmp_buf *volatile outer = innermost;
  if (_setjmp(frame)) {
    innermost = outer;
    return false;
  }
  innermost = &frame;
  call(argument);
  innermost = outer;
  return true;
}

void unwind() {
  if (!innermost) {
    std::fputs("qopt: a compiled program was called outside qopt_rt_run\n", stderr);
    std::abort();
  }
  longjmp(*innermost, 1);
}

} // namespace qopt::rt

using namespace qopt::rt;

extern "C" {

void qopt_rt_fail(qopt_rt_context *ctx, const char *sentence, const int64_t *values, int32_t num_values) {
  pthread_mutex_lock(&ctx->errorMutex);
  if (!ctx->failed) {
    format(ctx->error, sizeof ctx->error, sentence, values, num_values);
    ctx->failed = true;
  }
  pthread_mutex_unlock(&ctx->errorMutex);
}

void qopt_rt_raise(qopt_rt_context *ctx, const char *sentence, const int64_t *values, int32_t num_values) {
  qopt_rt_fail(ctx, sentence, values, num_values);
  ctx->raised = true;
  unwind();
}

const char *qopt_rt_error(const qopt_rt_context *ctx) { return ctx->failed ? ctx->error : nullptr; }

} // extern "C"
