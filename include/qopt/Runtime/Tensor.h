/* The tensor that crosses the C ABI of compiled programs. Plain C, no dependence: generated headers carry a copy of it.
 */
#ifndef QOPT_RUNTIME_TENSOR_H
#define QOPT_RUNTIME_TENSOR_H
#include <stdint.h>

#define QOPT_MAX_RANK 16

/* Element types: ONNX's own codes (TensorProto.DataType). Types narrower than a byte take one byte an element. */
enum {
  QOPT_FLOAT32 = 1,
  QOPT_UINT8 = 2,
  QOPT_INT8 = 3,
  QOPT_UINT16 = 4,
  QOPT_INT16 = 5,
  QOPT_INT32 = 6,
  QOPT_INT64 = 7,
  QOPT_BOOL = 9,
  QOPT_FLOAT16 = 10,
  QOPT_FLOAT64 = 11,
  QOPT_UINT32 = 12,
  QOPT_UINT64 = 13,
  QOPT_BFLOAT16 = 16,
  QOPT_FLOAT8E4M3FN = 17,
  QOPT_FLOAT8E4M3FNUZ = 18,
  QOPT_FLOAT8E5M2 = 19,
  QOPT_FLOAT8E5M2FNUZ = 20,
  QOPT_UINT4 = 21,
  QOPT_INT4 = 22,
  QOPT_FLOAT4E2M1 = 23,
  QOPT_FLOAT8E8M0 = 24,
  QOPT_UINT2 = 25,
  QOPT_INT2 = 26
};

/* Dense, row-major, in sizes of elements. `data` of an input needs its element's alignment only. Offsets (64-bit ABI,
 * used by generated code): data 0, dtype 8, rank 12, shape 16; size 144. */
typedef struct qopt_tensor {
  void *data;
  int32_t dtype;
  int32_t rank;
  int64_t shape[QOPT_MAX_RANK];
} qopt_tensor;

#endif
