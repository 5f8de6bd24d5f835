#include "qopt/Runtime/Artifact.h"
#include "Context.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

struct qopt_artifact {
  const qopt_artifact_desc *desc;
  qopt_rt_context *context;
  char badInput[512]; // the sentence of the last call that was refused before it ran
};

namespace {

/// printf into a caller's buffer that may be missing; returns 1 for `return refuse(…)`.
__attribute__((format(printf, 3, 4))) int32_t refuse(char *error, size_t size, const char *format, ...) {
  if (error && size) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(error, size, format, arguments);
    va_end(arguments);
  }
  return 1;
}

const char *typeName(int32_t dtype) {
  static constexpr const char *names[] = {
      "undefined", "float32",    "uint8",         "int8",           "uint16",          "int16",       "int32",
      "int64",     "string",     "bool",          "float16",        "float64",         "uint32",      "uint64",
      "complex64", "complex128", "bfloat16",      "float8_e4m3fn",  "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
      "uint4",     "int4",       "float4_e2m1fn", "float8_e8m0fnu", "uint2",           "int2"};
  return dtype >= 0 && dtype < static_cast<int32_t>(sizeof names / sizeof *names) ? names[dtype] : "unknown";
}

struct InputCheck {
  const qopt_artifact_desc *desc;
  const qopt_tensor *inputs;
  char *error;
  size_t errorSize;

  int32_t all() const {
    for (uint32_t i = 0; i < desc->num_inputs; ++i)
      if (typeAndRank(desc->inputs[i], inputs[i]) || dims(i))
        return 1;
    return 0;
  }

  int32_t typeAndRank(const qopt_value_desc &want, const qopt_tensor &got) const {
    if (got.dtype != want.dtype)
      return refuse(error, errorSize, "%s: input '%s' is %s, but %s is needed", desc->model, want.name,
                    typeName(got.dtype), typeName(want.dtype));
    if (got.rank < 0 || got.rank > QOPT_MAX_RANK || (want.rank >= 0 && got.rank != want.rank))
      return refuse(error, errorSize, "%s: input '%s' has rank %d, but %d is needed", desc->model, want.name, got.rank,
                    want.rank);
    int64_t count = 1;
    bool overflow = false;
    for (int32_t axis = 0; axis < got.rank; ++axis) {
      if (got.shape[axis] < 0)
        return refuse(error, errorSize, "%s: input '%s' has %lld elements along axis %d", desc->model, want.name,
                      static_cast<long long>(got.shape[axis]), axis);
      overflow |= __builtin_mul_overflow(count, got.shape[axis], &count);
    }
    if (overflow)
      return refuse(error, errorSize, "%s: input '%s' has more elements than 64 bits can count", desc->model,
                    want.name);
    if (!got.data && count != 0)
      return refuse(error, errorSize, "%s: input '%s' has no data", desc->model, want.name);
    return 0;
  }

  int32_t dims(uint32_t input) const {
    const qopt_value_desc &want = desc->inputs[input];
    for (int32_t axis = 0; axis < want.rank; ++axis) {
      int64_t size = inputs[input].shape[axis];
      if (want.shape[axis] >= 0 && size != want.shape[axis])
        return refuse(error, errorSize, "%s: input '%s' has %lld elements along axis %d, but %lld are needed",
                      desc->model, want.name, static_cast<long long>(size), axis,
                      static_cast<long long>(want.shape[axis]));
      if (want.shape[axis] < 0 && want.dim_names && want.dim_names[axis] && namedDim(input, axis, size))
        return 1;
    }
    return 0;
  }

  /// Compares with the first dim of the same name, in this input or an earlier one.
  int32_t namedDim(uint32_t input, int32_t axis, int64_t size) const {
    const char *name = desc->inputs[input].dim_names[axis];
    for (uint32_t i = 0; i <= input; ++i) {
      const qopt_value_desc &other = desc->inputs[i];
      int32_t axes = i == input ? axis : other.rank;
      for (int32_t a = 0; other.dim_names && a < axes; ++a) {
        if (!other.dim_names[a] || other.shape[a] >= 0 || std::strcmp(other.dim_names[a], name) != 0)
          continue;
        if (inputs[i].shape[a] == size)
          return 0;
        return refuse(error, errorSize, "%s: dim '%s' is %lld in input '%s', but %lld in input '%s'", desc->model, name,
                      static_cast<long long>(size), desc->inputs[input].name,
                      static_cast<long long>(inputs[i].shape[a]), other.name);
      }
    }
    return 0;
  }
};

/// Names of the features in `missing`, joined by commas.
void listFeatures(uint64_t missing, char *out, size_t size) {
  size_t length = 0;
  out[0] = '\0';
  for (int bit = 0; bit < 64; ++bit)
    if (missing >> bit & 1 && length < size) {
      const char *name = qopt_cpu_feature_name(uint64_t(1) << bit);
      length += std::snprintf(out + length, size - length, "%s%s", length ? ", " : "", name ? name : "unknown");
    }
}

} // namespace

extern "C" {

qopt_artifact *qopt_artifact_load(const qopt_artifact_desc *desc, int32_t threads, char *error, size_t error_size) {
  if (desc->abi_version != QOPT_ABI_VERSION) {
    refuse(error, error_size, "the program was compiled for runtime ABI %u, but this runtime has %u; compile it again",
           desc->abi_version, QOPT_ABI_VERSION);
    return nullptr;
  }
  if (uint64_t missing = desc->cpu_features & ~qopt_cpu_features()) {
    char names[256];
    listFeatures(missing, names, sizeof names);
    refuse(error, error_size,
           "%s was compiled for %s, but this CPU lacks %s; compile it with --target=host on this machine", desc->model,
           desc->target, names);
    return nullptr;
  }
  auto *artifact = static_cast<qopt_artifact *>(std::calloc(1, sizeof(qopt_artifact)));
  qopt_rt_context *context = artifact ? qopt_rt_create(threads) : nullptr;
  if (!context) {
    refuse(error, error_size, "%s: not enough memory to load the program", desc->model);
    std::free(artifact);
    return nullptr;
  }
  artifact->desc = desc;
  artifact->context = context;
  return artifact;
}

int32_t qopt_artifact_check(const qopt_artifact_desc *desc, const qopt_tensor *inputs, char *error, size_t error_size) {
  return InputCheck{desc, inputs, error, error_size}.all();
}

int32_t qopt_artifact_run(qopt_artifact *artifact, const qopt_tensor *inputs, qopt_tensor *outputs) {
  const qopt_artifact_desc *desc = artifact->desc;
  artifact->badInput[0] = '\0';
  if (qopt_artifact_check(desc, inputs, artifact->badInput, sizeof artifact->badInput)) {
    for (uint32_t i = 0; i < desc->num_outputs; ++i)
      outputs[i].data = nullptr;
    return 1;
  }
  return qopt_rt_run(artifact->context, desc->entry, inputs, outputs, static_cast<int32_t>(desc->num_outputs));
}

const char *qopt_artifact_error(const qopt_artifact *artifact) {
  return artifact->badInput[0] ? artifact->badInput : qopt_rt_error(artifact->context);
}

void qopt_artifact_release(void *output_data) { qopt_rt_release(output_data); }

void qopt_artifact_free(qopt_artifact *artifact) {
  if (artifact)
    qopt_rt_destroy(artifact->context);
  std::free(artifact);
}

qopt_rt_context *qopt_artifact_context(qopt_artifact *artifact) { return artifact->context; }

int32_t qopt_artifact_shape(const qopt_artifact_desc *desc, int32_t output, int32_t index, int32_t *dtype,
                            int64_t *shape) {
  uint32_t count = output ? desc->num_outputs : desc->num_inputs;
  if (index < 0 || static_cast<uint32_t>(index) >= count)
    return -1;
  const qopt_value_desc &value = (output ? desc->outputs : desc->inputs)[index];
  *dtype = value.dtype;
  for (int32_t axis = 0; axis < value.rank; ++axis)
    shape[axis] = value.shape[axis];
  return value.rank;
}

const qopt_artifact_api qopt_rt_artifact_api = {
    QOPT_ABI_VERSION,       0,
    qopt_artifact_load,     qopt_artifact_run,
    qopt_artifact_error,    qopt_artifact_release,
    qopt_artifact_free,     qopt_artifact_context,
    qopt_rt_profile_enable, qopt_rt_profile_read,
    qopt_rt_memory_read,    qopt_rt_set_observer,
};

} // extern "C"
