//===- Phase.h - The way of a model through the compiler ---------------------===//
#ifndef QOPT_PIPELINES_PHASE_H
#define QOPT_PIPELINES_PHASE_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace qopt {

/// In this order, though calibrating is a side road. What holds of the IR at the end of each is what `verify-phase` checks.
enum class Phase {
  Imported,    ///< a clean nn graph
  Calibrating, ///< the same with observers
  Transformed, ///< weights and activations changed so that they round better; the function is the same
  Quantized,   ///< quantize/dequantize pairs
  Legalized,   ///< integer compute where the rules allow it
  Linalg,      ///< kernels (qcpu) and linalg on tensors, tiled and fused
  Buffers,     ///< memory is planned, constants lie outside
  Loops,       ///< loops and threads
  Lowered,     ///< the LLVM dialect
};

llvm::StringRef phaseName(Phase phase);
std::optional<Phase> parsePhase(llvm::StringRef name);
/// "imported, calibrating, …", from `first` on.
std::string phaseNames(Phase first = Phase::Imported);

/// Adds `verify-phase` for it.
void endPhase(mlir::OpPassManager &pm, Phase phase);

} // namespace qopt

#endif // QOPT_PIPELINES_PHASE_H
