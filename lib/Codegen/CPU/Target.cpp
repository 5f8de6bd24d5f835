#include "qopt/Codegen/CPU/Backend.h"
#include "qopt/Runtime/Artifact.h"
#include "qopt/Support/Error.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace qopt {

namespace {

constexpr uint64_t avx2Bits =
    QOPT_CPU_AVX | QOPT_CPU_AVX2 | QOPT_CPU_FMA | QOPT_CPU_F16C | QOPT_CPU_BMI2;
constexpr uint64_t avx512Bits = avx2Bits | QOPT_CPU_AVX512F | QOPT_CPU_AVX512BW | QOPT_CPU_AVX512VL | QOPT_CPU_AVX512DQ |
                                QOPT_CPU_AVX512CD;

struct Row {
  const char *name;
  uint64_t required;
};
constexpr Row rows[] = {
    {"x86-64", 0},
    {"avx2", avx2Bits},
    {"avxvnni", avx2Bits | QOPT_CPU_AVXVNNI},
    {"avx512", avx512Bits},
    {"avx512vnni", avx512Bits | QOPT_CPU_AVX512VNNI},
};

struct Feature {
  uint64_t bit;
  const char *llvmName;
};
constexpr Feature features[] = {
    {QOPT_CPU_AVX, "avx"},
    {QOPT_CPU_AVX2, "avx2"},
    {QOPT_CPU_FMA, "fma"},
    {QOPT_CPU_F16C, "f16c"},
    {QOPT_CPU_BMI2, "bmi2"},
    {QOPT_CPU_AVXVNNI, "avxvnni"},
    {QOPT_CPU_AVX512F, "avx512f"},
    {QOPT_CPU_AVX512BW, "avx512bw"},
    {QOPT_CPU_AVX512VL, "avx512vl"},
    {QOPT_CPU_AVX512DQ, "avx512dq"},
    {QOPT_CPU_AVX512CD, "avx512cd"},
    {QOPT_CPU_AVX512VNNI, "avx512vnni"},
};

std::string featureString(uint64_t required) {
  std::string text;
  for (const Feature &feature : features)
    if (required & feature.bit)
      text += (text.empty() ? "+" : ",+") + std::string(feature.llvmName);
  return text;
}

/// The richest row that this machine has.
CPUTarget hostTarget() {
  uint64_t present = qopt_cpu_features();
  const Row *best = &rows[0];
  for (const Row &row : rows)
    if ((row.required & ~present) == 0)
      best = &row;
  return {best->name, llvm::sys::getHostCPUName().str(), featureString(best->required), best->required};
}

} // namespace

llvm::Expected<CPUTarget> findCPUTarget(llvm::StringRef name) {
  if (name == "host")
    return hostTarget();
  for (const Row &row : rows)
    if (name == row.name)
      return CPUTarget{row.name, "x86-64", featureString(row.required), row.required};
  std::string known = "host";
  for (const Row &row : rows)
    known += std::string(", ") + row.name;
  return makeError("there is no target '" + name + "'; known are " + known);
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const CPUTarget &target, unsigned optLevel) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  std::string reason;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!found)
    return makeError("LLVM has no target for this machine (" + reason + ")");
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  // A foreign CPU name would bring its own features in.
  llvm::StringRef cpu = "x86-64";
  llvm::CodeGenOptLevel level = optLevel >= 3   ? llvm::CodeGenOptLevel::Aggressive
                                : optLevel == 0 ? llvm::CodeGenOptLevel::None
                                                : llvm::CodeGenOptLevel::Default;
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, cpu, target.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small, level));
}

} // namespace qopt
