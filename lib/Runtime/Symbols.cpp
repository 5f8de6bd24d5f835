// What generated code may call by name.
#include "qopt/Runtime/Conversions.h"
#include "qopt/Runtime/Runtime.h"

extern "C" {
// Called by their ABI only: SoftFloat.cpp and Strided.cpp define them.
void __truncsfhf2();
void __truncdfhf2();
void __extendhfsf2();
void __truncsfbf2();
void __truncdfbf2();
void memrefCopy();
}

#define ROW(name)                                                                                                      \
  { #name, reinterpret_cast < void *>(&name) }
#define FORMAT(name) ROW(qopt_rt_f32_to_##name), ROW(qopt_rt_f32_to_##name##_sat), ROW(qopt_rt_##name##_to_f32)

extern "C" const qopt_rt_symbol *qopt_rt_symbols(size_t *count) {
  static const qopt_rt_symbol symbols[] = {
      ROW(qopt_rt_fail),
      ROW(qopt_rt_raise),
      ROW(qopt_rt_alloc),
      ROW(qopt_rt_free),
      ROW(qopt_rt_alloc_output),
      ROW(qopt_rt_parallel_for),
      ROW(qopt_rt_observe),
      ROW(qopt_rt_profile_begin),
      ROW(qopt_rt_profile_end),
      ROW(qopt_rt_threads),
      ROW(qopt_rt_convert),
      ROW(qopt_rt_f32_to_f16),
      ROW(qopt_rt_f16_to_f32),
      ROW(qopt_rt_f32_to_bf16),
      ROW(qopt_rt_bf16_to_f32),
      FORMAT(f8e4m3fn),
      FORMAT(f8e4m3fnuz),
      FORMAT(f8e5m2),
      FORMAT(f8e5m2fnuz),
      FORMAT(f8e8m0),
      FORMAT(f6e3m2),
      FORMAT(f6e2m3),
      FORMAT(f4e2m1),
      ROW(__truncsfhf2),
      ROW(__truncdfhf2),
      ROW(__extendhfsf2),
      ROW(__truncsfbf2),
      ROW(__truncdfbf2),
      ROW(memrefCopy),
  };
  *count = sizeof symbols / sizeof *symbols;
  return symbols;
}
