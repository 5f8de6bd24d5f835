#include "qopt/Pipelines/Register.h"

#include "mlir/InitAllPasses.h"

void qopt::registerAllPasses() {
  [[maybe_unused]] static const bool once = [] {
    mlir::registerAllPasses();
    return true;
  }();
}

void qopt::registerAllPipelines() {}
