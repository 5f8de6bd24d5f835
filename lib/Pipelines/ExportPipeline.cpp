#include "qopt/Pipelines/ExportPipeline.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void qopt::buildExportPipeline(OpPassManager &manager) {
  LegalizePassOptions computedScales;
  computedScales.dynamicOnly = true;
  manager.addPass(createLegalizePass(computedScales));
  manager.addPass(createExpandDynamicScalesPass());
  manager.addPass(createExactSumsPass());
  manager.addPass(createCSEPass());
}
