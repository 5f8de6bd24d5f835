// From a prepared model to onnxraw.
#pragma once
#include "Prepare.h"

namespace qopt {

/// Null after a diagnostic. `path` names the model in locations and sentences.
mlir::OwningOpRef<mlir::ModuleOp> emitModule(PreparedModel &model, llvm::StringRef path, mlir::MLIRContext *context);

} // namespace qopt
