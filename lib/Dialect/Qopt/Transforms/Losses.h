// How far outputs are from those that are wanted, as ops. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LOSSES_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LOSSES_H

#include "mlir/IR/Builders.h"

namespace qopt {

/// Builds losses, tensor<f32>, of f32 tensors of one dim or more.
class Losses {
public:
  Losses(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  /// Divergence of the distribution that the last dim gives by softmax: mean over all rows.
  mlir::Value kl(mlir::Value wanted, mlir::Value got);
  /// Squared error of all elements, relative to the mean square of those wanted.
  mlir::Value mse(mlir::Value wanted, mlir::Value got);
  /// The same for each row by itself (the last dim of tensors of rank 3 or less, else all dims but the first): mean over the rows.
  mlir::Value mseOfRows(mlir::Value wanted, mlir::Value got);

  mlir::Value sum(llvm::ArrayRef<mlir::Value> losses);

private:
  mlir::Value squaredError(mlir::Value wanted, mlir::Value got);
  mlir::Value squared(mlir::Value x);
  mlir::Value mean(mlir::Value x);
  /// Sums over dims, which go.
  mlir::Value sumOver(mlir::Value x, llvm::ArrayRef<int64_t> dims);

  mlir::OpBuilder &b;
  mlir::Location loc;
};

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LOSSES_H
