/* Conversions between number formats that LLVM does not lower on a CPU, for generated code and as an oracle.
 *
 * All round to the nearest, ties to even, but E8M0, which rounds up (ONNX's default for scales). `_sat` forms turn what
 * is too large (infinity included) into the largest finite value, as ONNX's Cast with saturate=1 does; the others give
 * infinity or, in formats that have none, NaN (saturate=0). E2M1, E3M2 and E2M3 have neither: they always saturate, and NaN
 * gives zero of the other sign, as in ml_dtypes.
 * Sources: OCP 8-bit floating point specification 1.0; FNUZ: arXiv 2206.02915; E8M0, E2M1, E3M2, E2M3: OCP microscaling formats 1.0.
 */
#ifndef QOPT_RUNTIME_CONVERSIONS_H
#define QOPT_RUNTIME_CONVERSIONS_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QOPT_RT_CONVERSIONS(format)                                                                                    \
  uint8_t qopt_rt_f32_to_##format(float value);                                                                        \
  uint8_t qopt_rt_f32_to_##format##_sat(float value);                                                                  \
  float qopt_rt_##format##_to_f32(uint8_t code);

QOPT_RT_CONVERSIONS(f8e4m3fn)
QOPT_RT_CONVERSIONS(f8e4m3fnuz)
QOPT_RT_CONVERSIONS(f8e5m2)
QOPT_RT_CONVERSIONS(f8e5m2fnuz)
QOPT_RT_CONVERSIONS(f8e8m0)
QOPT_RT_CONVERSIONS(f6e3m2)
QOPT_RT_CONVERSIONS(f6e2m3)
QOPT_RT_CONVERSIONS(f4e2m1)

#undef QOPT_RT_CONVERSIONS

uint16_t qopt_rt_f32_to_f16(float value);
float qopt_rt_f16_to_f32(uint16_t code);
uint16_t qopt_rt_f32_to_bf16(float value);
float qopt_rt_bf16_to_f32(uint16_t code);

/* `count` elements from one float format to another (any of 64, 32, 16, 8 and 4 bits; codes of qopt/Runtime/Tensor.h),
 * by way of float32 where neither is float64. 0: done; 1: a code that is no float format. */
int32_t qopt_rt_convert(const void *source, int32_t source_dtype, void *target, int32_t target_dtype, int64_t count,
                        int32_t saturate);

#ifdef __cplusplus
}
#endif
#endif
