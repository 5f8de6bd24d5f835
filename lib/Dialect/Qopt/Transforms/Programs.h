// Questions that passes ask of a program. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_PROGRAMS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_PROGRAMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace qopt {

/// @main with its body, or null.
inline mlir::func::FuncOp mainOf(mlir::ModuleOp module) {
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  return main && !main.isExternal() ? main : mlir::func::FuncOp();
}

inline bool isF32Tensor(mlir::Value value) {
  auto type = mlir::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_PROGRAMS_H
