/* The runtime below every compiled program, whether it runs in the JIT or out of a self-contained .so.
 *
 * Plain C ABI; needs libc, libm and pthreads only. Nothing here is global: all state lives in a qopt_rt_context. A
 * context runs one program at a time (a second caller waits); several contexts run side by side.
 *
 * How a program fails: qopt_rt_raise records one sentence and unwinds to qopt_rt_run (longjmp over generated frames,
 * which own nothing but blocks of the context; those are taken back). qopt_rt_fail records and returns, for inner loops
 * that would rather go on with a harmless value. The first error of a run stands.
 */
#ifndef QOPT_RUNTIME_RUNTIME_H
#define QOPT_RUNTIME_RUNTIME_H
#include "qopt/Runtime/Tensor.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#define QOPT_RT_NORETURN [[noreturn]]
#else
#define QOPT_RT_NORETURN _Noreturn
#endif

typedef struct qopt_rt_context qopt_rt_context;

/* A compiled program. Each output's `data` comes from qopt_rt_alloc_output, one block each; the program fills in dtype,
 * rank and shape. Called through qopt_rt_run only. */
typedef void (*qopt_entry_fn)(qopt_rt_context *ctx, const qopt_tensor *inputs, qopt_tensor *outputs);

/* ---- Context ---- */

/* A context of `threads` threads, the caller's included (0: one for each core that this process may use). Where the
 * system gives fewer threads, the context has fewer. Null when memory is out. */
qopt_rt_context *qopt_rt_create(int32_t threads);
/* Ends the threads and gives back all memory but outputs that the caller still holds. Null is fine. */
void qopt_rt_destroy(qopt_rt_context *ctx);
int32_t qopt_rt_threads(const qopt_rt_context *ctx);

/* Runs `entry`; waits while another run of this context goes on. 0: done, the caller owns the outputs (qopt_rt_release
 * each). 1: failed, qopt_rt_error says why, every output's data is null. */
int32_t qopt_rt_run(qopt_rt_context *ctx, qopt_entry_fn entry, const qopt_tensor *inputs, qopt_tensor *outputs,
                    int32_t num_outputs);

/* ---- Errors ---- */

/* Records `sentence` as the run's error, unless there is one, and returns. `{0}`, `{1}`, … stand for `values`. */
void qopt_rt_fail(qopt_rt_context *ctx, const char *sentence, const int64_t *values, int32_t num_values);
/* The same, then unwinds to qopt_rt_run: from the body of a parallel loop as soon as the other threads have stopped. */
QOPT_RT_NORETURN void qopt_rt_raise(qopt_rt_context *ctx, const char *sentence, const int64_t *values,
                                    int32_t num_values);
/* The error of the last run; null when it went well. Valid until the next run. */
const char *qopt_rt_error(const qopt_rt_context *ctx);

/* ---- Memory ---- */

/* `bytes` of uninitialized scratch memory, aligned to 64 or to `align` (a power of two) where that is more. Blocks are
 * cached and reused over runs; what a run has not freed when it ends is taken back. Never null: raises when memory is
 * out or `bytes` is negative. Any thread of the run may call. */
void *qopt_rt_alloc(qopt_rt_context *ctx, int64_t bytes, int64_t align);
void qopt_rt_free(qopt_rt_context *ctx, void *block);

/* Memory for an output. It stays the caller's after the run. */
void *qopt_rt_alloc_output(qopt_rt_context *ctx, int64_t bytes);
/* Gives an output back, from any thread, also after its context is gone. Null is fine. */
void qopt_rt_release(void *output);

typedef struct qopt_rt_memory {
  int64_t live; /* bytes in use now, outputs included */
  int64_t peak; /* the most that `live` has been since qopt_rt_memory_reset_peak */
  int64_t held; /* bytes taken from the system: live and cached */
} qopt_rt_memory;
void qopt_rt_memory_read(qopt_rt_context *ctx, qopt_rt_memory *memory);
void qopt_rt_memory_reset_peak(qopt_rt_context *ctx);
/* Gives cached blocks back to the system. */
void qopt_rt_trim(qopt_rt_context *ctx);

/* ---- Parallel loops ---- */

typedef void (*qopt_body_fn)(void *args, int64_t begin, int64_t end);

/* Calls body(args, begin, end) for ranges that make up [0, count), in any order, on any thread, the caller's too, and
 * returns when all are done. `cost` is about how many cycles of a core one index takes: ranges are made large enough to
 * be worth claiming, and a loop that is not worth sharing is one call on the caller's thread. A program whose indices
 * write to places of their own gives the same bytes for any number of threads. A loop inside a body runs on the body's
 * own thread. cost < 1 counts as 1. */
void qopt_rt_parallel_for(qopt_rt_context *ctx, qopt_body_fn body, void *args, int64_t count, int64_t cost);

/* ---- Observation (calibration, comparison of sites) ---- */

/* Sees the value at a site. `value` is dense and valid during the call only. Called on the run's own thread, in program
 * order. */
typedef void (*qopt_observe_fn)(void *user, int32_t site, const qopt_tensor *value);
/* Null turns observation off. Not while a run goes on. */
void qopt_rt_set_observer(qopt_rt_context *ctx, qopt_observe_fn observe, void *user);
/* For generated code: shows `data` to the observer. `strides` in elements; null when dense. */
void qopt_rt_observe(qopt_rt_context *ctx, int32_t site, const void *data, int32_t dtype, int32_t rank,
                     const int64_t *shape, const int64_t *strides);

/* ---- Profile of kernels ---- */

typedef struct qopt_rt_kernel_time {
  int64_t calls;
  int64_t total_ns;
  int64_t min_ns;
  int64_t max_ns;
} qopt_rt_kernel_time;

/* Counts calls of kernels 0 … kernels-1 from now on; 0 turns the profile off. Not while a run goes on. 0: done, 1: no
 * memory. */
int32_t qopt_rt_profile_enable(qopt_rt_context *ctx, int32_t kernels);
/* For generated code, on the run's own thread; kernels do not nest. One test and a return when off. */
void qopt_rt_profile_begin(qopt_rt_context *ctx, int32_t kernel);
void qopt_rt_profile_end(qopt_rt_context *ctx, int32_t kernel);
/* Zeros for a kernel that was not called or is unknown. */
void qopt_rt_profile_read(const qopt_rt_context *ctx, int32_t kernel, qopt_rt_kernel_time *time);

/* ---- Symbols for the JIT ---- */

typedef struct qopt_rt_symbol {
  const char *name;
  void *address;
} qopt_rt_symbol;

/* Every function that generated code may call by name, compiler helpers such as __truncsfhf2 and memrefCopy included.
 */
const qopt_rt_symbol *qopt_rt_symbols(size_t *count);

#ifdef __cplusplus
}
#endif
#endif
