// Lowered modules in memory, ready to run.
#pragma once
#include "qopt/Execution/Executor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace qopt {

struct JITOptions {
  /// See findCPUTarget; the same as the module was lowered for.
  std::string target = "host";
  /// 0: one a core.
  int32_t threads = 0;
  unsigned optLevel = 3;
};

/// Compiles a module that buildLoweringPipeline has lowered. Large constants are read where they lie: `context` (may be
/// null when the caller keeps it) and the module live as long as the executor.
/// Errors: the module is not lowered, a constant's bytes are missing, the target is not this machine's.
llvm::Expected<std::unique_ptr<Executor>> createJITExecutor(mlir::OwningOpRef<mlir::ModuleOp> module,
                                                            std::shared_ptr<mlir::MLIRContext> context,
                                                            const JITOptions &options);

} // namespace qopt
