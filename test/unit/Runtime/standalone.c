/* A self-contained artifact written by hand, in C: what the compiler emits. Linked with nothing but the runtime's
 * archive. */
#include "qopt/Runtime/Artifact.h"

#define EXPORT __attribute__((visibility("default")))

static void body(void *args, int64_t begin, int64_t end) {
  float *values = args;
  for (int64_t i = begin; i < end; ++i)
    values[i] *= 2;
}

static void entry(qopt_rt_context *ctx, const qopt_tensor *inputs, qopt_tensor *outputs) {
  int64_t count = inputs[0].shape[0];
  float *values = qopt_rt_alloc_output(ctx, count * 4);
  for (int64_t i = 0; i < count; ++i)
    values[i] = (float)(_Float16)((const float *)inputs[0].data)[i];
  qopt_rt_parallel_for(ctx, body, values, count, 10000);
  outputs[0] = (qopt_tensor){values, QOPT_FLOAT32, 1, {count}};
}

static const int64_t shape[] = {-1};
static const qopt_value_desc input = {"x", QOPT_FLOAT32, 1, shape, 0};
static const qopt_value_desc output = {"y", QOPT_FLOAT32, 1, shape, 0};

EXPORT const qopt_artifact_desc qopt_artifact_descriptor = {
    .abi_version = QOPT_ABI_VERSION,
    .num_inputs = 1,
    .num_outputs = 1,
    .model = "double",
    .target = "x86-64",
    .inputs = &input,
    .outputs = &output,
    .entry = entry,
    .api = &qopt_rt_artifact_api,
};
