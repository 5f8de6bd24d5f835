#include "qopt/Pipelines/ImportPipeline.h"

#include "qopt/Conversion/ONNXRawToNN/ONNXRawToNN.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"
#include "qopt/Import/ONNX/Import.h"
#include "qopt/Pipelines/Phase.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void qopt::buildImportPipeline(OpPassManager &manager) {
  manager.addPass(createConvertONNXRawToNN());
  manager.addPass(createNNFoldConstants());
  manager.addPass(createNNSimplify());
  manager.addPass(createNNFoldConstants()); // what simplifying made constant
  manager.addPass(createNNInferShapes());
  manager.addPass(createCSEPass());
  manager.addPass(createNNRecognize());
  manager.addPass(createNNFoldBatchNorm());
  manager.addPass(createNNSimplify());
  manager.addPass(createCSEPass());
  endPhase(manager, Phase::Imported);
}

OwningOpRef<ModuleOp> qopt::importModel(StringRef path, MLIRContext *context) {
  OnnxImportOptions options;
  options.isKnownOp = isConvertibleOnnxOp;
  return importOnnx(path, context, options);
}
