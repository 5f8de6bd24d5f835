// A context for some hundred inputs: what MLIR uniques is freed with it only.
#pragma once
#include "qopt/Pipelines/Register.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"

#include <memory>

inline mlir::MLIRContext &fuzzContext() {
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned uses = 0;
  if (uses++ % 256 == 0) {
    mlir::DialectRegistry registry;
    qopt::registerAllDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
    // Diagnostics are formatted, and not printed.
    context->getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) { return (void)diagnostic.str(), mlir::success(); });
  }
  return *context;
}
