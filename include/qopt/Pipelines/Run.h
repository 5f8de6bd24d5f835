// Running passes and parsers so that what goes wrong becomes an error of one sentence.
#pragma once
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mlir {
class ModuleOp;
class PassManager;
} // namespace mlir

namespace qopt {

/// Collects what MLIR reports in its life: the first error, with its place, is the sentence. Warnings and remarks go on
/// to the next handler.
class DiagnosticSentence {
public:
  explicit DiagnosticSentence(mlir::MLIRContext *context);
  llvm::Error error() const;

private:
  std::string sentence;
  mlir::ScopedDiagnosticHandler handler;
};

/// Runs the passes; the first error that MLIR reports becomes the sentence.
llvm::Error runPasses(mlir::PassManager &pm, mlir::ModuleOp module);

} // namespace qopt
