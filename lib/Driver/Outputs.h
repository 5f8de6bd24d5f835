// Writing a model in the form that the output's name asks for.
#pragma once
#include "Models.h"
#include "Remarks.h"

namespace qopt {

/// Where a quantized model comes from; entered in what is written.
struct Provenance {
  std::string model;
  std::string recipe;
  std::string dataHash;
};

/// Whether it is native code by its ending: bound to a target.
inline bool isCode(llvm::StringRef path) { return path.ends_with(".so") || path.ends_with(".o"); }

/// Errors: an ending that qopt does not write.
llvm::Error checkOutput(llvm::StringRef path);

/// .onnx, .mlir and .mlirbc hold quantize/dequantize pairs; .so and .o are code. Code and .onnx use the module up; `remarks` receives what
/// lowering or export had to remark. Errors: as the writers say.
llvm::Error writeModel(const Model &model, llvm::StringRef path, llvm::StringRef target, const Provenance &provenance,
                       Session &session, std::vector<Remark> *remarks = nullptr);

/// Writes IR: bytecode for .mlirbc, else text; - is the session's standard output. `locations`: with the names of nodes.
llvm::Error writeModule(mlir::ModuleOp module, llvm::StringRef path, bool locations, Session &session);

/// Writes through a stream that appears whole or not at all; - is the session's standard output.
llvm::Error writeOutput(llvm::StringRef path, Session &session, llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);

/// Lowers the module and writes .so, .o, .s or .ll, by the name's ending. The module is used up.
llvm::Error compileToCode(mlir::ModuleOp module, llvm::StringRef path, llvm::StringRef target, llvm::StringRef modelPath,
                          Session &session, std::vector<Remark> *remarks = nullptr);

} // namespace qopt
