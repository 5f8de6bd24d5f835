// The arrays that a command line names.
#pragma once
#include "qopt/Driver/Driver.h"
#include "qopt/Support/Tensor.h"
#include "qopt/Support/ValueSpec.h"

namespace qopt {

/// The inputs in the order of `specs`, from words `NAME=FILE` or `FILE.npz`. Errors: an unknown, missing or doubled
/// name, or a file that does not hold what is needed.
llvm::Expected<llvm::SmallVector<Tensor>> loadInputs(llvm::ArrayRef<std::string> words,
                                                     llvm::ArrayRef<ValueSpec> specs);

/// Writes all outputs into one .npz, or the only one into a .npy.
llvm::Error saveOutputs(llvm::StringRef path, llvm::ArrayRef<ValueSpec> specs, llvm::ArrayRef<Tensor> outputs);

/// Writes `text` to a file, whole or not at all; `-` is the session's standard output.
llvm::Error writeText(llvm::StringRef path, llvm::StringRef text, Session &session);

} // namespace qopt
