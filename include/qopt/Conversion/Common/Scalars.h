//===- Scalars.h - Arithmetic on single values -------------------------------===//
//
// Emits arith and math ops that fold as they are made. Types decide between the integer and the float form.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CONVERSION_COMMON_SCALARS_H
#define QOPT_CONVERSION_COMMON_SCALARS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace qopt {

class Scalars {
public:
  Scalars(mlir::OpBuilder &builder, mlir::Location loc, mlir::ModuleOp module) : b(loc, builder), module(module) {}
  /// Lets sums be reordered: for reductions, whose tolerance allows it.
  void allowReordering() { fastmath = mlir::arith::FastMathFlags::reassoc | mlir::arith::FastMathFlags::contract; }

  mlir::ImplicitLocOpBuilder b;
  /// Of every float addition and multiplication.
  mlir::arith::FastMathFlags fastmath = mlir::arith::FastMathFlags::none;
  mlir::ModuleOp module; ///< where declarations go: a region under construction has no parent to find it by

  template <typename Op, typename... Args> mlir::Value make(Args &&...args) {
    return b.createOrFold<Op>(std::forward<Args>(args)...);
  }

  mlir::Value index(int64_t value);
  /// A constant of an integer, index or float type.
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value constantInt(mlir::Type type, int64_t value);
  mlir::Value boolean(bool value);

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  /// Toward zero. An integer divided by zero gives zero, the least integer divided by -1 itself.
  mlir::Value div(mlir::Value x, mlir::Value y, bool isUnsigned = false);
  /// Remainder of the same division: of the dividend's sign. An integer modulo zero gives zero.
  mlir::Value rem(mlir::Value x, mlir::Value y, bool isUnsigned = false);
  /// NaN wins.
  mlir::Value max(mlir::Value x, mlir::Value y, bool isUnsigned = false);
  mlir::Value min(mlir::Value x, mlir::Value y, bool isUnsigned = false);
  mlir::Value neg(mlir::Value x);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value land(mlir::Value x, mlir::Value y);
  mlir::Value lor(mlir::Value x, mlir::Value y);
  mlir::Value lnot(mlir::Value x);

  /// Ordered comparisons; `ne` is true for NaN.
  mlir::Value eq(mlir::Value x, mlir::Value y);
  mlir::Value ne(mlir::Value x, mlir::Value y);
  mlir::Value lt(mlir::Value x, mlir::Value y, bool isUnsigned = false);
  mlir::Value le(mlir::Value x, mlir::Value y, bool isUnsigned = false);
  mlir::Value gt(mlir::Value x, mlir::Value y, bool isUnsigned = false) { return lt(y, x, isUnsigned); }
  mlir::Value ge(mlir::Value x, mlir::Value y, bool isUnsigned = false) { return le(y, x, isUnsigned); }

  /// Integers and index to index (sign-extended) and back.
  mlir::Value toIndex(mlir::Value x);
  mlir::Value fromIndex(mlir::Value x, mlir::Type type);

  /// From the stored form of an element of the graph's type `element` to its compute form, and back.
  mlir::Value decode(mlir::Value stored, mlir::Type element);
  mlir::Value encode(mlir::Value computed, mlir::Type element, bool saturate = true);
  /// ONNX's Cast between compute forms of graph types.
  mlir::Value cast(mlir::Value computed, mlir::Type from, mlir::Type to);

  /// Calls a runtime function, which is declared in the module when it is not yet.
  mlir::Value callRuntime(llvm::StringRef name, mlir::Value argument, mlir::Type result);

  /// The lowest and the highest value of a graph type, in its compute form; infinities for floats.
  mlir::Value lowest(mlir::Type element);
  mlir::Value highest(mlir::Type element);
};

} // namespace qopt

#endif
