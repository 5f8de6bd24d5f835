// What libonnx does for us, behind a border that no exception crosses.
#pragma once
#include "TensorData.h"

#include "qopt/Import/ONNX/Import.h"

#include "llvm/ADT/StringMap.h"

namespace onnx {
class ModelProto;
}

namespace qopt {

/// A checked, upgraded model with inferred types. Tensors in `weights` appear in its graph as inputs.
struct PreparedModel {
  std::shared_ptr<onnx::ModelProto> proto;
  llvm::StringMap<Tensor> weights;
  int64_t opset = 0;
};

/// Errors are sentences without the model's path.
llvm::Expected<PreparedModel> prepareModel(Span file, std::shared_ptr<const void> owner, ExternalData &external,
                                           const OnnxImportOptions &options);

} // namespace qopt
