#include "qopt/Pipelines/Register.h"

#include "qopt/Codegen/CPU/Kernels/QCPU.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/ONNXRaw/IR/ONNXRaw.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Interfaces/ChannelFactors.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Interfaces/Stream.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

void qopt::registerAllDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<nn::NNDialect, onnxraw::ONNXRawDialect, qir::QoptDialect, qcpu::QCPUDialect>();
  registerNNFactorModels(registry);
  registerNNLinearModels(registry);
  registerNNStreamModels(registry);
  registerUpstreamFactorModels(registry);
  registerUpstreamLinearModels(registry);
}
