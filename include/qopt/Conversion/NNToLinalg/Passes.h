//===- Passes.h - The lowering of the graph to linalg --------------------------===//
#ifndef QOPT_CONVERSION_NNTOLINALG_PASSES_H
#define QOPT_CONVERSION_NNTOLINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace qopt {

class LoweringTable;

#define GEN_PASS_DECL
#include "qopt/Conversion/NNToLinalg/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "qopt/Conversion/NNToLinalg/Passes.h.inc"

/// The lowerings of all nn ops, by family.
void addNNLowerings(LoweringTable &table);

} // namespace qopt

#endif
