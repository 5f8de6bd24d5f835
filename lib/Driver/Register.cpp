#include "qopt/Driver/Register.h"

#include "qopt/Calibration/Passes.h"
#include "qopt/Pipelines/Register.h"

void qopt::registerEverything(mlir::DialectRegistry &registry) {
  registerAllDialects(registry);
  registerEveryPass();
}

void qopt::registerEveryPass() {
  registerAllPasses();
  registerAllPipelines();
  [[maybe_unused]] static const bool once = (registerQoptCalibrationPasses(), true);
}
