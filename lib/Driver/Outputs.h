// Writing a model in the form that the output's name asks for.
#pragma once
#include "Models.h"

namespace qopt {

/// Where a quantized model comes from; entered in what is written.
struct Provenance {
  std::string model;
  std::string recipe;
  std::string dataHash;
};

/// Errors: an ending that qopt does not write.
llvm::Error checkOutput(llvm::StringRef path);

/// .onnx, .mlir and .mlirbc hold quantize/dequantize pairs; .so and .o are code, and use the module up. Errors: as the writers say.
llvm::Error writeModel(const Model &model, llvm::StringRef path, llvm::StringRef target, const Provenance &provenance,
                       Session &session);

/// Lowers the module and writes .so, .o, .s or .ll, by the name's ending. The module is used up.
llvm::Error compileToCode(mlir::ModuleOp module, llvm::StringRef path, llvm::StringRef target, llvm::StringRef modelPath,
                          Session &session);

} // namespace qopt
