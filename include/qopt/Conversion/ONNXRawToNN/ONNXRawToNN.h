//===- ONNXRawToNN.h - Meaning for ONNX's nodes ------------------------------===//
#ifndef QOPT_CONVERSION_ONNXRAWTONN_ONNXRAWTONN_H
#define QOPT_CONVERSION_ONNXRAWTONN_ONNXRAWTONN_H

#include "mlir/Pass/Pass.h"

namespace qopt {

/// Whether `convert-onnxraw-to-nn` has a conversion for the op (for some of its forms). `domain` is "" for ONNX's own.
bool isConvertibleOnnxOp(llvm::StringRef domain, llvm::StringRef opType);

#define GEN_PASS_DECL
#include "qopt/Conversion/ONNXRawToNN/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "qopt/Conversion/ONNXRawToNN/Passes.h.inc"

} // namespace qopt

#endif // QOPT_CONVERSION_ONNXRAWTONN_ONNXRAWTONN_H
