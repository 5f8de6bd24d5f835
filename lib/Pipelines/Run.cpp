#include "qopt/Pipelines/Run.h"
#include "qopt/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace qopt {

static std::string describe(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return ("node '" + name.getName().strref() + "': ").str();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    return fused.getLocations().empty() ? "" : describe(fused.getLocations().front());
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return (file.getFilename().strref() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn()) + ": ").str();
  return "";
}

DiagnosticSentence::DiagnosticSentence(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return failure();
        if (sentence.empty())
          sentence = describe(diagnostic.getLocation()) + diagnostic.str();
        return success();
      }) {}

llvm::Error DiagnosticSentence::error() const {
  return makeError(sentence.empty() ? "it failed without saying why, which is a bug of qopt" : sentence);
}

llvm::Error runPasses(PassManager &pm, ModuleOp module) {
  DiagnosticSentence sentence(module.getContext());
  return succeeded(pm.run(module)) ? llvm::Error::success() : sentence.error();
}

} // namespace qopt
