// Ops that ONNX does not know.
#pragma once
#include "qopt/Import/ONNX/Import.h"
#include "qopt/Support/Error.h"

namespace onnx {
class ModelProto;
}

namespace qopt {

/// libonnx's checker stops at the first op that ONNX does not have (at the model's opset). Where there is one, the error lists it with
/// every other op that no conversion knows, in subgraphs and functions too; else conversion tells, which knows more of each node.
llvm::Error checkOps(const onnx::ModelProto &model, const OnnxImportOptions &options);

} // namespace qopt
