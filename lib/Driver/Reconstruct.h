// Trains the roundings of a quantized model's weights, block after block, with our own compiled code.
#pragma once
#include "SampleRequest.h"

#include "qopt/Recipe/Recipe.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"

namespace qopt {

class Progress;

/// Each block in program order sees what the quantized blocks before it make of the samples, and is trained towards what the float model has
/// there. Samples held out decide which of its states a block keeps, the one at the start included. `quantized` gets the codes and scales, and
/// each block's outcome into its record. `reference` is the float model, `names` the ops whose weights are meant (empty: all). Errors: no sample to
/// hold out, an op without a gradient, what compiling, data and programs say.
llvm::Error reconstruct(mlir::ModuleOp reference, mlir::ModuleOp quantized, const llvm::StringSet<> &names, const ReconstructionOptions &options,
                        const SampleRequest &request, Progress &progress);

} // namespace qopt
