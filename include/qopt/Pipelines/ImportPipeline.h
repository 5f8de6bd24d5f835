//===- ImportPipeline.h - From an ONNX file to a clean nn module -------------===//
#ifndef QOPT_PIPELINES_IMPORTPIPELINE_H
#define QOPT_PIPELINES_IMPORTPIPELINE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace llvm {
class MemoryBuffer;
} // namespace llvm

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace qopt {

/// onnxraw to nn, and graph clean-up. Also `--qopt-import`.
void buildImportPipeline(mlir::OpPassManager &manager);

/// importOnnx with the ops that convert-onnxraw-to-nn knows. The module holds onnxraw: run buildImportPipeline on it.
mlir::OwningOpRef<mlir::ModuleOp> importModel(llvm::StringRef path, mlir::MLIRContext *context);

/// Parses and verifies a module, text or bytecode, and looks whether its constants are whole. Null on failure, which a diagnostic tells.
mlir::OwningOpRef<mlir::ModuleOp> parseModel(std::unique_ptr<llvm::MemoryBuffer> buffer, mlir::MLIRContext *context);

} // namespace qopt

#endif // QOPT_PIPELINES_IMPORTPIPELINE_H
