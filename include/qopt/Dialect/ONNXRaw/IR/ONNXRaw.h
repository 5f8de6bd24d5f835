//===- ONNXRaw.h - ONNX graphs without semantics -----------------------------===//
#ifndef QOPT_DIALECT_ONNXRAW_IR_ONNXRAW_H
#define QOPT_DIALECT_ONNXRAW_IR_ONNXRAW_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "qopt/Dialect/ONNXRaw/IR/ONNXRawDialect.h.inc"

#define GET_OP_CLASSES
#include "qopt/Dialect/ONNXRaw/IR/ONNXRawOps.h.inc"

#endif // QOPT_DIALECT_ONNXRAW_IR_ONNXRAW_H
