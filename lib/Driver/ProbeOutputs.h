// Which ops the model's outputs depend on, and how much: one pass over samples, forward and back, with our own compiled code.
#pragma once
#include "SampleRequest.h"

#include "qopt/Dialect/Qopt/Transforms/OutputProbes.h"

#include "llvm/Support/Error.h"

#include <string>

namespace qopt {

class Progress;

struct ProbedModel {
  OutputProbes probes;
  std::string whyLocal; ///< a clause: why there is no walk back, so that errors are followed no further than each op's own result; empty where there is one
};

/// Runs the float model over the samples, one at a time (by the batch where the model takes no other). Afterwards figures are, with KL, nats a row of the outputs' last dim, summed over the outputs;
/// else noise over signal, averaged over the outputs. Memory does not depend on how many samples there are, nor the result on threads. Errors: what
/// compiling, data and program say.
llvm::Expected<ProbedModel> probeOutputs(mlir::ModuleOp module, const llvm::StringSet<> &names, llvm::ArrayRef<OperandSpec> formats, OutputLoss loss,
                                         const SampleRequest &request, Progress &progress);

} // namespace qopt
