// Multiplying a linear's input channels and dividing its weight's: what SmoothQuant and AWQ have in common. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_SCALECHANNELS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_SCALECHANNELS_H

#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Numerics/Quantizers/SmoothSearch.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace qopt {

/// Linears that share an activation: their channels are scaled together.
struct ChannelGroup {
  llvm::SmallVector<LinearLikeOpInterface> linears;
};

/// Products with constant matrices whose input channels lie along the activation's last dim, by activation. `targets`: the names of
/// the only ops to take; empty for all.
llvm::MapVector<mlir::Value, ChannelGroup> channelGroups(mlir::func::FuncOp func, const llvm::StringSet<> &targets);

/// A weight as [channels, outputs]. `values` are its elements.
WeightView channelView(LinearLikeOpInterface op, llvm::ArrayRef<float> values);

/// Divides channel c of the activation by scales[c] and multiplies that channel of the group's weights by it. Where that is exact the
/// division goes into the constants before it, and the statistics of the sites between are divided too; else it is an explicit `nn.mul`
/// named "site/suffix". What became of it is recorded, the factors in `qopt.scaled_inputs`, ranges in `qopt.ranges`.
void scaleChannels(mlir::Value activation, const Sites &sites, llvm::StringRef suffix, ChannelGroup &group, llvm::ArrayRef<float> scales,
                   DecisionLog &log);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_SCALECHANNELS_H
