// How large a model's tensors are while it runs, for an estimate.
#pragma once
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <vector>

namespace qopt {

struct ActivationSizes {
  int64_t peak = 0;    ///< bytes of all tensors that are alive at once, each from its op to its last use
  int64_t total = 0;   ///< bytes of all tensors, as if each stayed alive
  int64_t tensors = 0; ///< f32 tensors, which calibration observes
  int64_t channels = 0; ///< of all of them
  llvm::DenseMap<mlir::Operation *, int64_t> rows;
  llvm::DenseMap<mlir::Value, int64_t> bytes; ///< of each of @main's own tensors

  /// Rows that a product or convolution multiplies its weight with: positions of its result.
  int64_t rowsOf(mlir::Operation *op) const { return rows.lookup(op); }
};

/// For a run on inputs of these shapes. A dim that the model leaves open is taken for the inputs' own where it is one of theirs, else for
/// the samples (axis 0) or the greatest open dim of the inputs.
ActivationSizes activationSizes(mlir::ModuleOp module, llvm::ArrayRef<llvm::SmallVector<int64_t>> inputShapes);

} // namespace qopt
