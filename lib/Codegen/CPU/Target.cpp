#include "qopt/Codegen/CPU/Backend.h"
#include "qopt/Runtime/Artifact.h"
#include "qopt/Support/Error.h"
#include "qopt/TargetInfo/Target.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace qopt {

namespace {

/// The QOPT_CPU_… bit of a feature as LLVM spells it. For one that the runtime could not check, a bit that no machine has, so that
/// the program does not load (a test holds the target table against the runtime's features).
uint64_t runtimeBit(llvm::StringRef feature) {
  for (int bit = 0; bit < 64; ++bit)
    if (const char *name = qopt_cpu_feature_name(uint64_t(1) << bit); name && feature == name)
      return uint64_t(1) << bit;
  return uint64_t(1) << 63;
}

} // namespace

llvm::Expected<CPUTarget> findCPUTarget(llvm::StringRef name) {
  auto found = findTarget(name);
  if (!found)
    return found.takeError();
  CPUTarget target = {(*found)->name.str(), name == "host" ? llvm::sys::getHostCPUName().str() : "x86-64", "", 0};
  for (llvm::StringRef feature : featureList(**found)) {
    target.features += (target.features.empty() ? "+" : ",+") + feature.str();
    target.required |= runtimeBit(feature);
  }
  return target;
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
