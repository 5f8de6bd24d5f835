#include "qopt/Pipelines/ImportPipeline.h"

#include "qopt/Conversion/ONNXRawToNN/ONNXRawToNN.h"
#include "qopt/Import/ONNX/Import.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void qopt::buildImportPipeline(OpPassManager &manager) {
  manager.addPass(createConvertONNXRawToNN());
  manager.addPass(createCSEPass());
}

OwningOpRef<ModuleOp> qopt::importModel(StringRef path, MLIRContext *context) {
  OnnxImportOptions options;
  options.isKnownOp = isConvertibleOnnxOp;
  return importOnnx(path, context, options);
}
