#include "qopt/Pipelines/Register.h"

#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"

#include "mlir/InitAllPasses.h"

void qopt::registerAllPasses() {
  [[maybe_unused]] static const bool once = [] {
    mlir::registerAllPasses();
    registerQoptQoptTransformsPasses();
    registerQoptCodegenCommonPasses();
    registerQoptCodegenCPUPasses();
    qcpu::registerQoptKernelsPasses();
    return true;
  }();
}

void qopt::registerAllPipelines() {}
