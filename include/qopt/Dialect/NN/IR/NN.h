//===- NN.h - The normalized model graph -----------------------------------===//
//
// Ops with ONNX's semantics at one opset. See NNBase.td for what is normalized.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_NN_IR_NN_H
#define QOPT_DIALECT_NN_IR_NN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace qopt::nn {

/// Each result element depends on one element of each operand; operands broadcast as in numpy.
template <typename ConcreteOp>
class Elementwise : public mlir::OpTrait::TraitBase<ConcreteOp, Elementwise> {};

/// Reduces over the attribute `axes`, keeping dims of size one if `keepdims`.
template <typename ConcreteOp>
class Reduction : public mlir::OpTrait::TraitBase<ConcreteOp, Reduction> {};

} // namespace qopt::nn

#include "qopt/Dialect/NN/IR/NNDialect.h.inc"

#define GET_OP_CLASSES
#include "qopt/Dialect/NN/IR/NNOps.h.inc"

#endif // QOPT_DIALECT_NN_IR_NN_H
