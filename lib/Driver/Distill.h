// Trains the scales of quantized weights, and biases, towards what the float model computes, with our own compiled code.
#pragma once
#include "SampleRequest.h"

#include "qopt/Recipe/Recipe.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"

namespace qopt {

class Progress;

/// Runs epochs over the samples but the last eighth, which the loss is measured on before and after each epoch; `quantized` gets the
/// scales and biases of the least loss, and the outcome into its record. Nothing changes where none is less than at the start. `reference` is the float
/// model, `names` the ops whose weights are meant (empty: all). Errors: no sample to hold out, an op without a gradient, what
/// compiling, data and program say.
llvm::Error distill(mlir::ModuleOp reference, mlir::ModuleOp quantized, const llvm::StringSet<> &names, const DistillationOptions &options,
                    const SampleRequest &request, Progress &progress);

} // namespace qopt
