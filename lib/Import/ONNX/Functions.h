// Replaces calls of functions by their bodies.
#pragma once
#include "qopt/Import/ONNX/Import.h"
#include "qopt/Support/Error.h"

namespace onnx {
class ModelProto;
}

namespace qopt {

/// Refuses a model whose functions would unfold to more than a few million nodes. Its calls must be free of cycles.
llvm::Error checkUnfoldedSize(const onnx::ModelProto &model);

/// Replaces nodes of the main graph that `isKnownOp` does not know and whose schema has a function body by that body. Types must be
/// inferred. Returns the number of nodes replaced. May throw what libonnx throws.
size_t inlineSchemaFunctions(onnx::ModelProto &model, const OnnxImportOptions &options);

} // namespace qopt
