//===- FusionGroup.h - What is computed tile by tile together ------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_FUSIONGROUP_H
#define QOPT_CODEGEN_CPU_KERNELS_FUSIONGROUP_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"

namespace qopt::qcpu {

/// A root op with the producers that are computed inside its tiles. No producer has a use outside of the group, and no tile
/// of a producer is computed twice.
struct FusionGroup {
  mlir::Operation *root = nullptr;
  llvm::SmallVector<int64_t> tileSizes; ///< per dim of the root's loops; 0: not tiled
  /// For each member, which of its loops each tiled loop of the root is.
  llvm::MapVector<mlir::Operation *, llvm::SmallVector<int64_t>> members;

  bool contains(mlir::Operation *op) const { return members.contains(op); }
  /// Any qcpu op among the members; without one, tiling gains nothing.
  bool hasKernel() const;
  /// A member reduces over a row, so that columns cannot be tiled.
  bool reducesRows() const;
};

/// The largest group below `root` (an elementwise linalg op or a qcpu op); its members are empty if root cannot be one.
FusionGroup findFusionGroup(mlir::Operation *root);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_FUSIONGROUP_H
