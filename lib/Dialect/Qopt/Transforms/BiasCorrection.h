// The mean error that weight rounding puts on a linear op's output, taken out of its bias. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_BIASCORRECTION_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_BIASCORRECTION_H

#include "WeightRows.h"

#include "mlir/IR/BuiltinOps.h"

namespace qopt {

/// E[x] by channel of a site, from the module attribute `qopt.channels`; null where there is none.
mlir::ElementsAttr channelMeans(mlir::ModuleOp module, llvm::StringRef site);

/// b_n += sum over inputs of (W - W')_n · E[x] (Nagel et al. 2019, section 4.2). `rounded` is W' as rows, `channelMeans` is E[x] by
/// input channel. Empty on success, else a clause that says why not.
std::string correctBiasOf(LinearLikeOpInterface op, const WeightRows &weight, std::span<const float> rounded,
                          llvm::ArrayRef<float> channelMeans);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_BIASCORRECTION_H
