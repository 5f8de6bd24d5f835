//===- Qopt.h - The quantization dialect -------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_IR_QOPT_H
#define QOPT_DIALECT_QOPT_IR_QOPT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "qopt/Dialect/Qopt/IR/QoptDialect.h.inc"

#define GET_OP_CLASSES
#include "qopt/Dialect/Qopt/IR/QoptOps.h.inc"

#endif // QOPT_DIALECT_QOPT_IR_QOPT_H
