// Loading what a command line names.
#pragma once
#include "qopt/Driver/Driver.h"
#include "qopt/Execution/Executor.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace qopt {

struct Model {
  std::shared_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Reads .onnx, .mlir or .mlirbc. Errors: another ending, or what the reader says.
llvm::Expected<Model> loadModel(llvm::StringRef path);

/// A program for `path`: a model is compiled in memory, a .so is loaded. `threads` 0: one a core.
llvm::Expected<std::unique_ptr<Executor>> loadExecutor(llvm::StringRef path, llvm::StringRef target, int32_t threads,
                                                       unsigned optLevel, Session &session);

/// The module, lowered for this machine, as a program. Errors: what lowering and the JIT say.
llvm::Expected<std::unique_ptr<Executor>> compileForHost(mlir::OwningOpRef<mlir::ModuleOp> module, int32_t threads);

} // namespace qopt
