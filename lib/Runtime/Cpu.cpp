// CPU features by CPUID (Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E). Not through the compiler's
// __builtin_cpu_supports: its tables live in libgcc, which a self-contained .so does without.
#include "qopt/Runtime/Artifact.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace {

enum Register { EAX, EBX, ECX, EDX };
/// What XCR0 must have for the feature's registers to outlive a context switch.
enum State : uint32_t { Nothing = 0, Ymm = 0x6, Zmm = 0xe6, Tile = 0x60000 };

struct Row {
  uint64_t feature;
  const char *name;
  uint32_t leaf, subleaf;
  Register reg;
  int bit;
  State state;
};

constexpr Row rows[] = {
    {QOPT_CPU_AVX, "avx", 1, 0, ECX, 28, Ymm},
    {QOPT_CPU_FMA, "fma", 1, 0, ECX, 12, Ymm},
    {QOPT_CPU_F16C, "f16c", 1, 0, ECX, 29, Ymm},
    {QOPT_CPU_AVX2, "avx2", 7, 0, EBX, 5, Ymm},
    {QOPT_CPU_BMI2, "bmi2", 7, 0, EBX, 8, Nothing},
    {QOPT_CPU_AVX512F, "avx512f", 7, 0, EBX, 16, Zmm},
    {QOPT_CPU_AVX512DQ, "avx512dq", 7, 0, EBX, 17, Zmm},
    {QOPT_CPU_AVX512CD, "avx512cd", 7, 0, EBX, 28, Zmm},
    {QOPT_CPU_AVX512BW, "avx512bw", 7, 0, EBX, 30, Zmm},
    {QOPT_CPU_AVX512VL, "avx512vl", 7, 0, EBX, 31, Zmm},
    {QOPT_CPU_AVX512VBMI, "avx512vbmi", 7, 0, ECX, 1, Zmm},
    {QOPT_CPU_AVX512VNNI, "avx512vnni", 7, 0, ECX, 11, Zmm},
    {QOPT_CPU_AMX_INT8, "amx-int8", 7, 0, EDX, 25, Tile},
    {QOPT_CPU_AVXVNNI, "avxvnni", 7, 1, EAX, 4, Ymm},
    {QOPT_CPU_AVX512BF16, "avx512bf16", 7, 1, EAX, 5, Zmm},
    {QOPT_CPU_AVXVNNIINT8, "avxvnniint8", 7, 1, EDX, 4, Ymm},
};

} // namespace

extern "C" {

#if defined(__x86_64__)
uint64_t qopt_cpu_features(void) {
  uint32_t words[4], xcr0 = 0, high;
  if (!__get_cpuid(1, &words[EAX], &words[EBX], &words[ECX], &words[EDX]))
    return 0;
  if (words[ECX] >> 27 & 1) // OSXSAVE
    __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  uint64_t features = 0;
  for (const Row &row : rows)
    if (__get_cpuid_count(row.leaf, row.subleaf, &words[EAX], &words[EBX], &words[ECX], &words[EDX]) &&
        (words[row.reg] >> row.bit & 1) && (xcr0 & row.state) == row.state)
      features |= row.feature;
  return features;
}
#else
uint64_t qopt_cpu_features(void) { return 0; }
#endif

const char *qopt_cpu_feature_name(uint64_t feature) {
  for (const Row &row : rows)
    if (row.feature == feature)
      return row.name;
  return nullptr;
}

} // extern "C"
