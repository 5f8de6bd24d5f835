#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace qopt::qir;

#include "qopt/Dialect/Qopt/IR/QoptDialect.cpp.inc"

void QoptDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "qopt/Dialect/Qopt/IR/QoptOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "qopt/Dialect/Qopt/IR/QoptOps.cpp.inc"
