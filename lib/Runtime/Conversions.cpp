#include "qopt/Runtime/Conversions.h"
#include "SmallFloat.h"
#include "qopt/Runtime/Tensor.h"

using namespace qopt::rt;

namespace {

template <typename Code, typename Format> void decodeAll(const void *source, float *target, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    target[i] = Format::decode(static_cast<const Code *>(source)[i]);
}

template <typename Code, typename Format>
void encodeAll(const float *source, void *target, int64_t count, bool saturate) {
  for (int64_t i = 0; i < count; ++i)
    static_cast<Code *>(target)[i] = static_cast<Code>(Format::encode(source[i], saturate));
}

struct Codec {
  int32_t dtype, size;
  void (*decode)(const void *, float *, int64_t);
  void (*encode)(const float *, void *, int64_t, bool);
};

template <typename Code, typename Format> constexpr Codec codec(int32_t dtype) {
  return {dtype, sizeof(Code), decodeAll<Code, Format>, encodeAll<Code, Format>};
}

constexpr Codec codecs[] = {
    codec<uint16_t, F16>(QOPT_FLOAT16),
    codec<uint16_t, BF16>(QOPT_BFLOAT16),
    codec<uint8_t, F8E4M3FN>(QOPT_FLOAT8E4M3FN),
    codec<uint8_t, F8E4M3FNUZ>(QOPT_FLOAT8E4M3FNUZ),
    codec<uint8_t, F8E5M2>(QOPT_FLOAT8E5M2),
    codec<uint8_t, F8E5M2FNUZ>(QOPT_FLOAT8E5M2FNUZ),
    codec<uint8_t, F8E8M0>(QOPT_FLOAT8E8M0),
    codec<uint8_t, F4E2M1>(QOPT_FLOAT4E2M1),
    {QOPT_FLOAT32, 4,
     [](const void *source, float *target, int64_t count) { __builtin_memcpy(target, source, count * 4); },
     [](const float *source, void *target, int64_t count, bool) { __builtin_memcpy(target, source, count * 4); }},
    {QOPT_FLOAT64, 8,
     [](const void *source, float *target, int64_t count) {
       for (int64_t i = 0; i < count; ++i)
         target[i] = roundToOdd(static_cast<const double *>(source)[i]);
     },
     [](const float *source, void *target, int64_t count, bool) {
       for (int64_t i = 0; i < count; ++i)
         static_cast<double *>(target)[i] = source[i];
     }},
};

const Codec *codecOf(int32_t dtype) {
  for (const Codec &row : codecs)
    if (row.dtype == dtype)
      return &row;
  return nullptr;
}

} // namespace

extern "C" {

#define QOPT_RT_CONVERSIONS(name, Format)                                                                              \
  uint8_t qopt_rt_f32_to_##name(float value) { return static_cast<uint8_t>(Format::encode(value, false)); }            \
  uint8_t qopt_rt_f32_to_##name##_sat(float value) { return static_cast<uint8_t>(Format::encode(value, true)); }       \
  float qopt_rt_##name##_to_f32(uint8_t code) { return Format::decode(code); }

QOPT_RT_CONVERSIONS(f8e4m3fn, F8E4M3FN)
QOPT_RT_CONVERSIONS(f8e4m3fnuz, F8E4M3FNUZ)
QOPT_RT_CONVERSIONS(f8e5m2, F8E5M2)
QOPT_RT_CONVERSIONS(f8e5m2fnuz, F8E5M2FNUZ)
QOPT_RT_CONVERSIONS(f8e8m0, F8E8M0)
QOPT_RT_CONVERSIONS(f6e3m2, F6E3M2)
QOPT_RT_CONVERSIONS(f6e2m3, F6E2M3)
QOPT_RT_CONVERSIONS(f4e2m1, F4E2M1)

uint16_t qopt_rt_f32_to_f16(float value) { return static_cast<uint16_t>(F16::encode(value, false)); }
float qopt_rt_f16_to_f32(uint16_t code) { return F16::decode(code); }
uint16_t qopt_rt_f32_to_bf16(float value) { return static_cast<uint16_t>(BF16::encode(value, false)); }
float qopt_rt_bf16_to_f32(uint16_t code) { return BF16::decode(code); }

int32_t qopt_rt_convert(const void *source, int32_t source_dtype, void *target, int32_t target_dtype, int64_t count,
                        int32_t saturate) {
  const Codec *from = codecOf(source_dtype), *to = codecOf(target_dtype);
  if (!from || !to)
    return 1;
  if (source_dtype == target_dtype) {
    __builtin_memcpy(target, source, count * from->size);
    return 0;
  }
  if (source_dtype == QOPT_FLOAT64 && target_dtype == QOPT_FLOAT32) {
    for (int64_t i = 0; i < count; ++i)
      static_cast<float *>(target)[i] = static_cast<float>(static_cast<const double *>(source)[i]);
    return 0;
  }
  constexpr int64_t step = 256;
  float values[step];
  for (int64_t begin = 0; begin < count; begin += step) {
    int64_t part = count - begin < step ? count - begin : step;
    from->decode(static_cast<const char *>(source) + begin * from->size, values, part);
    to->encode(values, static_cast<char *>(target) + begin * to->size, part, saturate != 0);
  }
  return 0;
}

} // extern "C"
