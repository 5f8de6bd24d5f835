/* What a compiled program says of itself, and the C API that is built on it.
 *
 * The compiler emits one constant qopt_artifact_desc, named `qopt_artifact_descriptor` and exported under that name,
 * and five wrappers named after the model; the generated header declares these, with a copy of qopt_tensor:
 *
 *   qopt_artifact *PREFIX_load(int32_t threads, char *error, size_t error_size);
 *   int32_t        PREFIX_run(qopt_artifact *, const qopt_tensor *inputs, qopt_tensor *outputs);
 *   int32_t        PREFIX_shape(int32_t output, int32_t index, int32_t *dtype, int64_t *shape);
 *   const char    *PREFIX_error(const qopt_artifact *);
 *   void           PREFIX_release(void *output_data);
 *   void           PREFIX_free(qopt_artifact *);
 *
 * A program that loads artifacts by dlopen goes through the descriptor: its `api` runs the code inside the same .so.
 */
#ifndef QOPT_RUNTIME_ARTIFACT_H
#define QOPT_RUNTIME_ARTIFACT_H
#include "qopt/Runtime/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows with every change of a struct in this folder or of the entry's ABI. */
#define QOPT_ABI_VERSION 1u
/* The exported data symbol that a loader looks for. */
#define QOPT_DESCRIPTOR_SYMBOL "qopt_artifact_descriptor"

/* CPU features that a program was built for; the operating system must keep the registers, too. */
enum {
  QOPT_CPU_AVX = 1 << 0,
  QOPT_CPU_AVX2 = 1 << 1,
  QOPT_CPU_FMA = 1 << 2,
  QOPT_CPU_F16C = 1 << 3,
  QOPT_CPU_AVXVNNI = 1 << 4,
  QOPT_CPU_AVX512F = 1 << 5,
  QOPT_CPU_AVX512BW = 1 << 6,
  QOPT_CPU_AVX512VL = 1 << 7,
  QOPT_CPU_AVX512DQ = 1 << 8,
  QOPT_CPU_AVX512VNNI = 1 << 9,
  QOPT_CPU_AVX512BF16 = 1 << 10,
  QOPT_CPU_AVX512VBMI = 1 << 11,
  QOPT_CPU_AVX512CD = 1 << 12,
  QOPT_CPU_BMI2 = 1 << 13,
  QOPT_CPU_AVXVNNIINT8 = 1 << 14,
  QOPT_CPU_AMX_INT8 = 1 << 15
};

/* One input or output. */
typedef struct qopt_value_desc {
  const char *name;
  int32_t dtype;
  int32_t rank;         /* -1: any */
  const int64_t *shape; /* `rank` dims, -1 where dynamic */
  const char *const
      *dim_names; /* `rank` names or nulls; null when no dim has a name. Dims of one name must agree in a call */
} qopt_value_desc;

typedef struct qopt_artifact_api qopt_artifact_api;

typedef struct qopt_artifact_desc {
  uint32_t abi_version; /* QOPT_ABI_VERSION; stays first */
  uint32_t num_inputs;
  uint32_t num_outputs;
  uint32_t num_kernels;
  uint64_t cpu_features;  /* QOPT_CPU_… that the code needs */
  const char *model;      /* name in messages */
  const char *target;     /* "x86-64-avx512vnni" */
  const char *provenance; /* JSON: hashes of model, data and recipe, tool version; may be null */
  const qopt_value_desc *inputs;
  const qopt_value_desc *outputs;
  const char *const *kernel_names; /* num_kernels names for the profile */
  qopt_entry_fn entry;
  const qopt_artifact_api *api; /* &qopt_rt_artifact_api */
} qopt_artifact_desc;

typedef struct qopt_artifact qopt_artifact;

struct qopt_artifact_api {
  uint32_t abi_version;
  uint32_t reserved;
  qopt_artifact *(*load)(const qopt_artifact_desc *, int32_t threads, char *error, size_t error_size);
  int32_t (*run)(qopt_artifact *, const qopt_tensor *inputs, qopt_tensor *outputs);
  const char *(*error)(const qopt_artifact *);
  void (*release)(void *output_data);
  void (*free)(qopt_artifact *);
  qopt_rt_context *(*context)(qopt_artifact *);
  int32_t (*profile_enable)(qopt_rt_context *, int32_t kernels);
  void (*profile_read)(const qopt_rt_context *, int32_t kernel, qopt_rt_kernel_time *);
  void (*memory_read)(qopt_rt_context *, qopt_rt_memory *);
  void (*set_observer)(qopt_rt_context *, qopt_observe_fn, void *user);
};
extern const qopt_artifact_api qopt_rt_artifact_api;

/* Makes the program ready to run. Null, with a sentence in `error` (cut to `error_size`, always ended; may be null),
 * when the ABI is another, the CPU lacks a feature, or memory is out. */
qopt_artifact *qopt_artifact_load(const qopt_artifact_desc *desc, int32_t threads, char *error, size_t error_size);

/* Checks the inputs (type, rank, fixed dims, dims of one name, null data) and runs. 0: done, release every output's
 * data. 1: nothing was kept, qopt_artifact_error has the sentence. */
int32_t qopt_artifact_run(qopt_artifact *artifact, const qopt_tensor *inputs, qopt_tensor *outputs);
const char *qopt_artifact_error(const qopt_artifact *artifact);
void qopt_artifact_release(void *output_data);
void qopt_artifact_free(qopt_artifact *artifact);
qopt_rt_context *qopt_artifact_context(qopt_artifact *artifact);

/* The declared rank of input (output = 0) or output (output = 1) number `index`, its type in `dtype`, its dims in
 * `shape` (room for QOPT_MAX_RANK; -1 where dynamic). -1 when there is no such value or its rank is not fixed. */
int32_t qopt_artifact_shape(const qopt_artifact_desc *desc, int32_t output, int32_t index, int32_t *dtype,
                            int64_t *shape);

/* Checks `inputs` against the description, as qopt_artifact_run does. 0, or 1 with a sentence in `error`. */
int32_t qopt_artifact_check(const qopt_artifact_desc *desc, const qopt_tensor *inputs, char *error, size_t error_size);

/* QOPT_CPU_… that this machine has. */
uint64_t qopt_cpu_features(void);
/* "avx512vnni" for QOPT_CPU_AVX512VNNI; null for what is not one known bit. */
const char *qopt_cpu_feature_name(uint64_t feature);

#ifdef __cplusplus
}
#endif
#endif
