//===- Passes.h - Clean-up of the nn graph -----------------------------------===//
#ifndef QOPT_DIALECT_NN_TRANSFORMS_PASSES_H
#define QOPT_DIALECT_NN_TRANSFORMS_PASSES_H

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/Pass/Pass.h"

namespace qopt {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "qopt/Dialect/NN/Transforms/Passes.h.inc"

} // namespace qopt

#endif // QOPT_DIALECT_NN_TRANSFORMS_PASSES_H
