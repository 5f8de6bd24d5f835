// What an iteration of a parallel loop costs, so that small loops stay on one thread.
#pragma once
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace qopt::cpu {

/// About how many cycles of one core an iteration of `loop` takes, computed before it from the sizes that it works on. What varies from
/// iteration to iteration counts as its largest.
mlir::Value estimateCycles(mlir::OpBuilder &builder, mlir::scf::ParallelOp loop);

} // namespace qopt::cpu
