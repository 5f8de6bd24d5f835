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

/// .onnx, .mlir and .mlirbc hold quantize/dequantize pairs. Errors: as the writers say.
llvm::Error writeModel(const Model &model, llvm::StringRef path, llvm::StringRef target, const Provenance &provenance,
                       Session &session);

} // namespace qopt
