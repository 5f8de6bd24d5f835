//===- HostValues.h - Elements of host tensors as wide numbers ---------------===//
//
// For compile-time evaluation of small tensors: reads any number type as int64_t or double, and writes back with one
// rounding to nearest even.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_NN_IR_HOSTVALUES_H
#define QOPT_DIALECT_NN_IR_HOSTVALUES_H

#include "qopt/Support/Tensor.h"

#include <optional>

namespace qopt::nn {

/// The elements of an integer or boolean tensor (64-bit unsigned ones wrap); nothing for floats and strings.
std::optional<llvm::SmallVector<int64_t>> tensorInts(const Tensor &tensor);

/// The elements of a tensor of numbers; exact for all types but 64-bit integers beyond 2^53. Nothing for strings.
std::optional<llvm::SmallVector<double>> tensorFloats(const Tensor &tensor);

/// A tensor of an integer type from wide values: the low bits are kept, as a two's complement conversion does.
llvm::Expected<Tensor> tensorFromInts(DType type, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values);

/// A tensor of a float type from doubles, rounded once to nearest even. Errors: not a float type.
llvm::Expected<Tensor> tensorFromFloats(DType type, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values);

} // namespace qopt::nn

#endif // QOPT_DIALECT_NN_IR_HOSTVALUES_H
