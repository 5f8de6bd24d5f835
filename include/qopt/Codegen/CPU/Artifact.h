// From a lowered module to files: relocatable code, a self-contained shared object, a C header.
#pragma once
#include "qopt/Codegen/Common/ConstantBytes.h"
#include "qopt/Codegen/Common/Signature.h"
#include "qopt/Codegen/CPU/Backend.h"

namespace qopt {

struct ArtifactInfo {
  /// What the exported functions are called after: PREFIX_load, PREFIX_run, …; a C identifier.
  std::string prefix = "model";
  /// The name in messages.
  std::string model = "model";
  /// JSON; may be empty.
  std::string provenance;
};

/// `text` with everything that a C identifier cannot hold replaced by `_`.
std::string toIdentifier(llvm::StringRef text);

/// Adds the descriptor and the exported functions of qopt/Runtime/Artifact.h to the translated module.
void addDescriptor(llvm::Module &code, const Signature &signature, llvm::ArrayRef<std::string> kernels,
                   const CPUTarget &target, const ArtifactInfo &info);

/// Writes an ELF object that defines each constant's symbol, hidden, over read-only data; straight from where the bytes
/// lie, so that large models need no memory for it.
void writeConstantObject(llvm::raw_pwrite_stream &os, llvm::ArrayRef<ConstantBytes> constants);

/// Links objects into `output`: with the runtime into a shared object that exports the descriptor and the functions of
/// `prefix`, or (`relocatable`) into one object. Errors: what the linker says.
llvm::Error linkArtifact(llvm::ArrayRef<std::string> objects, llvm::StringRef output, llvm::StringRef prefix,
                         bool relocatable);

/// The C header of a shared object: its functions, a copy of qopt_tensor, and what it takes and gives.
std::string headerText(const Signature &signature, const ArtifactInfo &info);

/// Names of the profile's sites, in order.
std::vector<std::string> kernelNames(mlir::ModuleOp module);

} // namespace qopt
