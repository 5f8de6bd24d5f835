// The compiler helpers that LLVM calls for 16-bit floats on CPUs without F16C or AVX512-BF16. libgcc's may be missing
// where a self-contained .so is linked; in a program that has its own, these are not taken out of the archive.
#include "SmallFloat.h"

using namespace qopt::rt;

#define QOPT_HELPER extern "C" __attribute__((weak))

QOPT_HELPER _Float16 __truncsfhf2(float value);
QOPT_HELPER _Float16 __truncdfhf2(double value);
QOPT_HELPER float __extendhfsf2(_Float16 value);
QOPT_HELPER __bf16 __truncsfbf2(float value);
QOPT_HELPER __bf16 __truncdfbf2(double value);

_Float16 __truncsfhf2(float value) { return std::bit_cast<_Float16>(static_cast<uint16_t>(F16::encode(value, false))); }
_Float16 __truncdfhf2(double value) {
  return std::bit_cast<_Float16>(static_cast<uint16_t>(F16::encode(roundToOdd(value), false)));
}
float __extendhfsf2(_Float16 value) { return F16::decode(std::bit_cast<uint16_t>(value)); }
__bf16 __truncsfbf2(float value) { return std::bit_cast<__bf16>(static_cast<uint16_t>(BF16::encode(value, false))); }
__bf16 __truncdfbf2(double value) {
  return std::bit_cast<__bf16>(static_cast<uint16_t>(BF16::encode(roundToOdd(value), false)));
}
