//===- Contraction.h - Sums of products -----------------------------------------===//
//
// The generic form below matrix products, integer ones too.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CONVERSION_COMMON_CONTRACTION_H
#define QOPT_CONVERSION_COMMON_CONTRACTION_H

#include "qopt/Conversion/Common/Emitter.h"

namespace qopt {

/// The product of two elements in the accumulator's type.
using ProductFn = llvm::function_ref<mlir::Value(Scalars &, mlir::Value a, mlir::Value b)>;

/// a (batch…×M×K) times b (batch…×K×N) as numpy.matmul has it: rank one promoted, leading dims broadcast. The result
/// has `accumulator` elements and the shape of `result` (a value of the graph). `a` and `b` are values of the graph;
/// elements come to `product` in stored form. Float sums may be reassociated.
mlir::Value emitMatMul(Emitter &e, mlir::Value a, mlir::Value b, mlir::Value result, mlir::Type accumulator,
                       ProductFn product);

/// The accumulator of a float element type: f64 for f64, f32 for what is narrower; i32, i64… for integers themselves.
mlir::Type accumulatorType(mlir::Type element);

} // namespace qopt

#endif
