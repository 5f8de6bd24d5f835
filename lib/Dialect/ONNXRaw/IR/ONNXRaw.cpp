#include "qopt/Dialect/ONNXRaw/IR/ONNXRaw.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace qopt::onnxraw;

#include "qopt/Dialect/ONNXRaw/IR/ONNXRawDialect.cpp.inc"

void ONNXRawDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "qopt/Dialect/ONNXRaw/IR/ONNXRawOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "qopt/Dialect/ONNXRaw/IR/ONNXRawOps.cpp.inc"
