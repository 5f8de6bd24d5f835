//===- Gradient.h - Reverse-mode differentiation of nn functions --------------===//
#ifndef QOPT_DIALECT_NN_TRANSFORMS_GRADIENT_H
#define QOPT_DIALECT_NN_TRANSFORMS_GRADIENT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace qopt {

/// Appends gradients to a function whose first result is a loss, tensor<f32>: afterwards it returns what it returned before, then
/// d loss / d argument for each of `arguments` (indices; types of the arguments, which are float tensors). Emits an error at the op on
/// a path from these arguments to the loss that has no gradient, and fails.
///
/// Rounding to codes passes gradients straight through where the code was not saturated; a scale that qopt.dynamic_scale or
/// qopt.dynamic_params makes of the tensor itself counts as given.
///
/// Dims of an operand that are 1 by its type count as broadcast, and its gradient is summed over them; a dynamic dim counts as not
/// broadcast, so that a program in which it is 1 beside something larger stops, or computes something else. Products of a computed
/// matrix and rows of several dims become products of matrices, which have kernels, and nn.attention becomes the ops it stands for, in
/// the function's own part too.
mlir::LogicalResult appendGradients(mlir::func::FuncOp func, llvm::ArrayRef<unsigned> arguments);

/// The same for any float values of the body, constants too; what the function returns stays as it is. Each gradient is made where the
/// walk back has its last part, which is behind all that the function computed before. No value may be a product of two computed
/// factors.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> addGradients(mlir::func::FuncOp func, llvm::ArrayRef<mlir::Value> values);

} // namespace qopt

#endif // QOPT_DIALECT_NN_TRANSFORMS_GRADIENT_H
