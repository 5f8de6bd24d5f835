//===- ChannelFactors.h - Ops through which factors per channel can move ----===//
#ifndef QOPT_INTERFACES_CHANNELFACTORS_H
#define QOPT_INTERFACES_CHANNELFACTORS_H

#include "mlir/IR/OpDefinition.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>
#include <vector>

namespace qopt {

/// Which channel's factor each element of a tensor is multiplied by: of the tensor's rank, with a dim of one where nothing changes.
struct ChannelMap {
  llvm::SmallVector<int64_t> shape;
  std::vector<int64_t> channels; ///< row major over `shape`

  /// Channel i at index i of one dim.
  static ChannelMap along(int64_t rank, int64_t axis, int64_t size);
  bool varies(int64_t dim) const { return shape[dim] != 1; }
  /// The only dim along which it varies; -1 where there are several or none.
  int64_t onlyDim() const;
};

/// Operands that are multiplied together.
using FactorRoute = llvm::SmallVector<std::pair<mlir::OpOperand *, ChannelMap>>;

} // namespace qopt

#include "qopt/Interfaces/ChannelFactors.h.inc"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace qopt {

/// Attaches the interface to the nn ops that have a route.
void registerNNFactorModels(mlir::DialectRegistry &registry);

/// Attaches it to linalg's products, convolutions, add, max and fill, and to tosa.conv2d, tosa.matmul, tosa.add and tosa.clamp.
void registerUpstreamFactorModels(mlir::DialectRegistry &registry);

} // namespace qopt

#endif // QOPT_INTERFACES_CHANNELFACTORS_H
