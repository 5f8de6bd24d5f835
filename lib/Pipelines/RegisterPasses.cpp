#include "qopt/Pipelines/Register.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"

#include "mlir/InitAllPasses.h"

void qopt::registerAllPasses() {
  [[maybe_unused]] static const bool once = [] {
    mlir::registerAllPasses();
    registerQoptQoptTransformsPasses();
    return true;
  }();
}

void qopt::registerAllPipelines() {}
