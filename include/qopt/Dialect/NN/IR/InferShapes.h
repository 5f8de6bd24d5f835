//===- InferShapes.h - Shapes of results from operands -----------------------===//
//
// Shape inference of every nn op, and of the qopt ops that stand among them. Operands that decide a shape (the target of a
// reshape, the bounds of a slice) are followed through shape arithmetic, element by element, so that dims which are known stay
// known beside those that are not.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_NN_IR_INFERSHAPES_H
#define QOPT_DIALECT_NN_IR_INFERSHAPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

#include <optional>
#include <string>

namespace qopt::nn {

using Dims = llvm::SmallVector<int64_t>;

/// The shape of each result (kDynamic for an unknown dim), nothing for one whose rank is unknown. On failure `error` tells what
/// is wrong with the operands ("cannot broadcast 3 against 4 in dim 1").
llvm::FailureOr<llvm::SmallVector<std::optional<Dims>>> inferShapes(mlir::Operation *op, std::string &error);

/// Sets the result types of `op` to the more precise of what they say and what inferShapes says, in place. Fails as
/// inferShapes does, and where the two contradict each other. `changed`, if given, is set when a type changed.
mlir::LogicalResult refineResultTypes(mlir::Operation *op, std::string &error, bool *changed = nullptr);

/// Elements of a 1-D (or scalar) integer tensor as far as they are known; kDynamic stands for an unknown one. Nothing
/// when not even the number of elements is known.
std::optional<Dims> partialInts(mlir::Value value);

/// The dims of a broadcast as in numpy; fails when two known dims contradict.
llvm::FailureOr<Dims> broadcastDims(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b, std::string &error);

} // namespace qopt::nn

#endif // QOPT_DIALECT_NN_IR_INFERSHAPES_H
