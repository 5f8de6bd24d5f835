// What the driver runs, for other mains: qopt-opt, qopt-lsp-server, embedders.
#pragma once

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace qopt {

/// All passes (those of Pipelines and of Calibration) and all named pipelines. Idempotent.
void registerEveryPass();

/// The same, and all dialects with their interface models.
void registerEverything(mlir::DialectRegistry &registry);

} // namespace qopt
