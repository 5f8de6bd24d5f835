// Moves large tensors out of a model before libonnx sees it.
#pragma once
#include "Prepare.h"

namespace qopt {

/// Takes the main graph's initializers and Constant values out of `model` into `weights` when they are large, external or skimmed;
/// their names become graph inputs. Checks every tensor of the model, wherever it stands (subgraphs, functions, attributes), and
/// brings external ones in.
llvm::Error moveWeightsOut(onnx::ModelProto &model, const SkimmedModel &skimmed, std::shared_ptr<const void> owner,
                           ExternalData &external, llvm::StringMap<Tensor> &weights);

} // namespace qopt
