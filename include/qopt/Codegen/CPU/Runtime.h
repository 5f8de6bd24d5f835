// How generated code meets the runtime: names, layouts, and calls in the LLVM dialect.
#pragma once
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace qopt::cpu {

/// Marks a declaration whose body a later pass writes; it takes the context like a function with a body.
inline constexpr llvm::StringLiteral needsContextAttrName = "qopt.needs_context";

/// On a function: what a call costs. The first number is a rate, the others are arguments: their product divided by the rate is about the
/// cycles that a core takes.
inline constexpr llvm::StringLiteral workAttrName = "qopt.work";

/// Bytes of a qopt_tensor, and where its fields lie (qopt/Runtime/Tensor.h).
inline constexpr int64_t tensorBytes = 144, tensorDTypeOffset = 8, tensorRankOffset = 12, tensorShapeOffset = 16;

/// The context of the function that `op` is in: its first argument.
mlir::Value contextOf(mlir::Operation *op);

/// A call of a function of the runtime, declared on its first use.
mlir::LLVM::CallOp callRuntime(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name, mlir::Type result,
                               mlir::ValueRange arguments);

/// The address of a private constant that holds `text` and a zero; equal texts share one.
mlir::Value stringConstant(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef text);

mlir::Value constantI64(mlir::OpBuilder &builder, mlir::Location loc, int64_t value);
mlir::Value constantI32(mlir::OpBuilder &builder, mlir::Location loc, int32_t value);

} // namespace qopt::cpu
