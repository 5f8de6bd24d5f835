//===- ONNX.h - nn and quantize/dequantize pairs as an ONNX model ------------===//
#ifndef QOPT_EXPORT_ONNX_H
#define QOPT_EXPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/Error.h"

#include <string>
#include <utility>
#include <vector>

namespace qopt {

struct OnnxExportOptions {
  std::string producer = "qopt";
  std::string version;
  /// Entered as metadata_props: provenance (hashes, recipe, scheme). The module's own (`onnx.metadata`) are kept beside them.
  std::vector<std::pair<std::string, std::string>> metadata;
  /// Files that the output must not overwrite.
  std::vector<std::string> inputs;
};

/// Writes `func.func @main` of nn ops, qopt.quantize and qopt.dequantize as an ONNX model (QDQ form). The file appears whole, after
/// libonnx has checked it, or not at all. Weights of more than 2 GB go to a file beside it (`OUT.onnx.data`).
/// Errors: an op or a form that ONNX has no word for (names the node), what the file system says.
llvm::Error exportOnnx(mlir::ModuleOp module, llvm::StringRef path, const OnnxExportOptions &options);

} // namespace qopt

#endif // QOPT_EXPORT_ONNX_H
