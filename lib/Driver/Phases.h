// --compile-to and --print-pipeline.
#pragma once
#include "qopt/Driver/Options.h"
#include "qopt/Pipelines/Phase.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace qopt {

/// The phase of --compile-to; `otherwise` where it is not given. Errors: no such phase, one that `command` does not go through
/// (`taken` are those that it does), an output (-o) that holds no IR.
llvm::Expected<Phase> readPhase(const Arguments &arguments, llvm::StringRef command, Phase otherwise, llvm::ArrayRef<Phase> taken);

/// Whether the name's ending asks for IR.
bool isModuleFile(llvm::StringRef path);

/// The managers' passes, one after another, as `qopt-opt --pass-pipeline` takes them. Errors: an option's text (a node's name, say)
/// cannot be spelled there.
llvm::Expected<std::string> pipelineText(llvm::ArrayRef<mlir::OpPassManager *> managers);

} // namespace qopt
