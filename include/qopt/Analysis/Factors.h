//===- Factors.h - Folding factors per channel into constants ---------------===//
//
// A value can be multiplied per channel by changing constants alone where everything that makes it passes the factors on
// (ChannelFactorsOpInterface) up to constants, and nothing else reads what lies between.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_ANALYSIS_FACTORS_H
#define QOPT_ANALYSIS_FACTORS_H

#include "qopt/Interfaces/ChannelFactors.h"
#include "qopt/Interfaces/LinearLike.h"

#include "mlir/IR/BuiltinTypes.h"

namespace qopt {

struct FactorPlan {
  FactorRoute constants;                                         ///< operands that are multiplied
  llvm::SmallVector<std::pair<mlir::Value, ChannelMap>> passed; ///< values that are multiplied thereby, the asked one first
};

/// How to multiply `value` along its dim `axis`, if it is read by ops of `readers` alone. Empty, with a clause in `why` that names the
/// op in the way, where that cannot be done exactly.
std::optional<FactorPlan> planFactors(mlir::Value value, int64_t axis, llvm::ArrayRef<mlir::Operation *> readers, std::string &why);

/// Which input channel each element of a linear op's weight belongs to; grouped convolutions have theirs along the outputs too.
ChannelMap inputChannels(LinearLikeOpInterface op);

/// Multiplies each element by its channel's factor. Dims that the map has and the values lack are added: `shape` is updated.
void multiplyByChannel(std::vector<float> &values, llvm::SmallVectorImpl<int64_t> &shape, const ChannelMap &map,
                       llvm::ArrayRef<float> factors);

/// Greatest magnitude of each of `count` channels, at least what `most` holds already. `shape` is the map's but where it is one.
void addAbsMax(llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape, const ChannelMap &map, std::vector<float> &most);

/// Puts a new constant, of the same dialect as the one that stands there, where the operand is read.
void replaceConstant(mlir::OpOperand &operand, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values, llvm::StringRef name);

} // namespace qopt

#endif // QOPT_ANALYSIS_FACTORS_H
