// Values of nn ops at compile time.
#pragma once
#include "qopt/Support/Tensor.h"

#include "mlir/IR/Operation.h"

namespace qopt::nn {

/// The results of `op`, whose result types are static, for the operands given. Nothing for an op (or a form) that is not evaluated;
/// floats are computed in double and rounded once to the result's type.
std::optional<llvm::SmallVector<Tensor>> evaluate(mlir::Operation *op, llvm::ArrayRef<Tensor> operands);

/// The part for ops that only move elements, of any type.
std::optional<llvm::SmallVector<Tensor>> evaluateMove(mlir::Operation *op, llvm::ArrayRef<Tensor> operands);

/// Takes the value of an Expected, or nothing.
template <typename T> std::optional<T> take(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  llvm::consumeError(value.takeError());
  return std::nullopt;
}

/// For a shape that broadcasts to `result`: the element of it that belongs to a row-major index of the result.
class BroadcastIndex {
public:
  BroadcastIndex(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> result);
  int64_t operator()(int64_t index) const;

private:
  enum { Same, Scalar, General } kind;
  llvm::SmallVector<int64_t> sizes, strides;
};

} // namespace qopt::nn
