#include "qopt/Pipelines/Register.h"

#include "qopt/Codegen/CPU/Passes.h"
#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Conversion/NNToLinalg/Passes.h"
#include "qopt/Conversion/ONNXRawToNN/ONNXRawToNN.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Pipelines/ExportPipeline.h"
#include "qopt/Pipelines/ImportPipeline.h"
#include "qopt/Pipelines/Passes.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassRegistry.h"

void qopt::registerAllPasses() {
  [[maybe_unused]] static const bool once = [] {
    mlir::registerAllPasses();
    registerQoptPipelinesPasses();
    registerQoptONNXRawToNNPasses();
    registerQoptNNTransformsPasses();
    registerQoptQoptTransformsPasses();
    registerQoptNNToLinalgPasses();
    registerQoptCodegenCommonPasses();
    registerQoptCodegenCPUPasses();
    qcpu::registerQoptKernelsPasses();
    return true;
  }();
}

void qopt::registerAllPipelines() {
  [[maybe_unused]] static const bool once = [] {
    mlir::PassPipelineRegistration<>("qopt-import", "onnxraw to a clean nn module", buildImportPipeline);
    mlir::PassPipelineRegistration<>("qopt-export", "quantize/dequantize pairs to what ONNX's runtimes compute exactly", buildExportPipeline);
    return true;
  }();
}
