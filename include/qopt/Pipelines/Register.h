//===- Register.h - All of qopt in one call ----------------------------------===//
//
// The driver, qopt-opt, qopt-translate, the language server and embedders register the same things.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_PIPELINES_REGISTER_H
#define QOPT_PIPELINES_REGISTER_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace qopt {

/// Our dialects, the upstream ones that our pipelines produce, and all interface models.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Our passes, and the upstream ones that our pipelines are made of. Idempotent.
void registerAllPasses();

/// The named pipelines of Pipelines.h (`--qopt-import`, `--qopt-quantize`, …). Idempotent.
void registerAllPipelines();

} // namespace qopt

#endif // QOPT_PIPELINES_REGISTER_H
