//===- ExportPipeline.h - What a quantized module goes through before export -===//
#ifndef QOPT_PIPELINES_EXPORTPIPELINE_H
#define QOPT_PIPELINES_EXPORTPIPELINE_H

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace qopt {

/// Brings quantize/dequantize pairs into the forms that ONNX has and its runtimes compute as our own code does: exact sums, products
/// with scales of run time on integers. Also `--qopt-export`.
void buildExportPipeline(mlir::OpPassManager &manager);

} // namespace qopt

#endif // QOPT_PIPELINES_EXPORTPIPELINE_H
