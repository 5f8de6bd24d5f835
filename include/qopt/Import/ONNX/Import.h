//===- Import.h - An ONNX file as a module of onnxraw ------------------------===//
//
// libonnx checks the model, inlines its functions, upgrades its opset and infers shapes; the importer walks the result and knows
// no op. Large tensors never pass through libonnx: they stay in the mapped file.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_IMPORT_ONNX_IMPORT_H
#define QOPT_IMPORT_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>

namespace qopt {

struct OnnxImportOptions {
  /// Whether a conversion knows the op. Ops that none knows and whose ONNX schema has a function body are replaced by that
  /// body. Unset: every op is kept.
  std::function<bool(llvm::StringRef domain, llvm::StringRef opType)> isKnownOp;
  /// The opset that models are upgraded to; newer models, and models that libonnx cannot convert, keep theirs.
  int64_t targetOpset = 25;
};

/// The model at `path` as a module that holds `func.func @main`, whose arguments and results carry `nn.name` (ONNX's name) and
/// `nn.dims` (a name for each symbolic dim, "?" for a nameless dynamic one, "" for a static one). The module carries `onnx.opset`,
/// `onnx.producer`, `onnx.metadata` (the metadata_props) and `onnx.hash` (BLAKE3 of the file, hexadecimal). Op locations are NameLocs: the node's name, else the name of
/// its first output. Null after an error, which is one located diagnostic of one sentence.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path, mlir::MLIRContext *context,
                                             const OnnxImportOptions &options = {});

} // namespace qopt

#endif // QOPT_IMPORT_ONNX_IMPORT_H
