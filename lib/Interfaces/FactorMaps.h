// Channel maps of operands from those of results. Internal to this room.
#ifndef QOPT_LIB_INTERFACES_FACTORMAPS_H
#define QOPT_LIB_INTERFACES_FACTORMAPS_H

#include "qopt/Interfaces/ChannelFactors.h"

#include "mlir/IR/Value.h"

namespace qopt {

/// One operand, one map.
FactorRoute routeTo(mlir::OpOperand &operand, ChannelMap map);

/// The map for an operand that broadcasts to the result, as numpy has it; a constant may grow to the result's shape. Empty where the
/// factor changes along a dim that the operand repeats.
std::optional<ChannelMap> broadcastMap(const ChannelMap &onResult, mlir::Value operand);

/// The map for a transposed operand: result dim i is its dim perm[i].
ChannelMap transposedMap(const ChannelMap &onResult, llvm::ArrayRef<int64_t> perm);

/// The map for an operand whose elements the result holds in another shape. Empty where dims that the factor changes along do not
/// match dims of the operand, counted from the last.
std::optional<ChannelMap> reshapedMap(const ChannelMap &onResult, llvm::ArrayRef<int64_t> result, llvm::ArrayRef<int64_t> operand);

/// The same channels in order along dim `axis` of a tensor of `rank` dims, for maps that vary along one dim only.
ChannelMap movedMap(const ChannelMap &onResult, int64_t rank, int64_t axis);

} // namespace qopt

#endif // QOPT_LIB_INTERFACES_FACTORMAPS_H
