//===- Constants.h - Constant tensors of the nn dialect ----------------------===//
//
// Between MLIR's elements attributes and host tensors. Host layout everywhere: row major, one byte an element for types
// narrower than a byte (sign- or zero-extended) and for i1.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_NN_IR_CONSTANTS_H
#define QOPT_DIALECT_NN_IR_CONSTANTS_H

#include "qopt/Support/Tensor.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace qopt::nn {

/// Constants up to this size (and splats of any size) are `dense`; larger ones are `dense_resource`.
inline constexpr int64_t kInlineBytes = 1024;

/// The element type that a tensor of `type` has here, or nothing (complex, index, quantized, …).
std::optional<DType> dtypeOf(mlir::Type type);

/// The inverse; null for String.
mlir::Type elementTypeOf(DType dtype, mlir::MLIRContext *context);

/// The elements as a host tensor: borrowed from the attribute where its layout allows (the attribute lives as long as
/// the context), else copied; splats are expanded. Errors: no such element type, a resource without or with too few bytes.
llvm::Expected<Tensor> tensorOf(mlir::ElementsAttr elements);

/// An attribute over `tensor`, which it keeps alive; `name` is a hint for the key of a resource. Null for String.
mlir::ElementsAttr elementsOf(const Tensor &tensor, mlir::MLIRContext *context, llvm::StringRef name = "constant");

/// The value of an `nn.constant`, else null.
mlir::ElementsAttr constantValue(mlir::Value value);

/// The elements of a constant of integers or booleans of at most `limit` elements.
std::optional<llvm::SmallVector<int64_t>> constantInts(mlir::Value value, int64_t limit = 4096);

/// The elements of a constant of numbers, as doubles, at most `limit` of them.
std::optional<llvm::SmallVector<double>> constantFloats(mlir::Value value, int64_t limit = 4096);

/// The one element of a constant of numbers (a splat of any size counts).
std::optional<double> constantScalar(mlir::Value value);

} // namespace qopt::nn

#endif // QOPT_DIALECT_NN_IR_CONSTANTS_H
