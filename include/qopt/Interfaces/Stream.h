//===- Stream.h - Ops on the vectors of a residual stream -------------------===//
#ifndef QOPT_INTERFACES_STREAM_H
#define QOPT_INTERFACES_STREAM_H

#include "mlir/IR/OpDefinition.h"

#include "llvm/ADT/SmallVector.h"

#include <string>

namespace qopt {

enum class StreamRole {
  None,       ///< no orthogonal matrix comes out again
  Carries,    ///< the result is turned where all of the operands are: sums, multiples, moves along other dims, look-ups of rows
  Normalizes, ///< the same, once the vector that it multiplies by is all ones (RMS norms)
  Ignores,    ///< reads dims, not numbers
};

} // namespace qopt

#include "qopt/Interfaces/Stream.h.inc"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace qopt {

/// Attaches the interface to the nn ops that have a role.
void registerNNStreamModels(mlir::DialectRegistry &registry);

} // namespace qopt

#endif // QOPT_INTERFACES_STREAM_H
