// From the LLVM dialect to machine code.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
class raw_pwrite_stream;
} // namespace llvm

namespace qopt {

/// What LLVM has to know of a CPU.
struct CPUTarget {
  /// As the user says it: "host", "x86-64", "avx2", "avx512", "avx512vnni", "avxvnni".
  std::string name;
  /// LLVM's name of the CPU whose scheduling model is used, and "+avx2,+fma,…".
  std::string cpu, features;
  /// QOPT_CPU_… bits that the code needs.
  uint64_t required = 0;
};

/// The target of that name. Errors: unknown (the sentence lists the known ones).
llvm::Expected<CPUTarget> findCPUTarget(llvm::StringRef name);

/// Position-independent code, small code model.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const CPUTarget &target, unsigned optLevel);

/// LLVM IR for a module of the LLVM dialect, with the target's layout and attributes; not yet optimized.
llvm::Expected<std::unique_ptr<llvm::Module>> translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                                                              const CPUTarget &target,
                                                              const llvm::TargetMachine &machine);

/// LLVM's own pipeline for `optLevel` 0 to 3.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel);

enum class CodeFile { Object, Assembly };
llvm::Error emitCode(llvm::Module &module, llvm::TargetMachine &machine, CodeFile kind, llvm::raw_pwrite_stream &out);

} // namespace qopt
