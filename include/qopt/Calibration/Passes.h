// Passes that read what calibration has gathered.
#pragma once
#include "qopt/Calibration/Statistics.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace qopt {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "qopt/Calibration/Passes.h.inc"

/// The options that stand for a choice of ranges from a file.
AnnotateStatisticsPassOptions annotateOptions(llvm::StringRef stats, const RangeChoice &choice);

/// Gram matrices as the module attribute `qopt.inputs`, which passes read where nobody hands them a table.
void enterInputs(mlir::ModuleOp module, const InputTable &inputs);

} // namespace qopt
