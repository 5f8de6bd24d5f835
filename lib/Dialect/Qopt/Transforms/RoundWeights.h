// What the passes that choose weights' codes have in common. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ROUNDWEIGHTS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ROUNDWEIGHTS_H

#include "EncodeWeights.h"
#include "LinearInputs.h"
#include "QuantizeWeights.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Dialect/Qopt/Transforms/RoundingJournal.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

namespace qopt {

/// How groups get their scales before codes are chosen.
enum class ClipRule {
  Max,     ///< none is clipped
  MSE,     ///< least squared error of the weights
  Inputs,  ///< the same, each column weighted by its input's mean square: diag(H)
  Hessian, ///< least d^T H d over each group
};
std::optional<ClipRule> parseClipRule(llvm::StringRef name);
inline constexpr llvm::StringLiteral kClipRules = "max, mse, inputs or hessian";

struct RoundingTargets {
  OperandSpec spec;
  llvm::StringSet<> names, biasCorrection; ///< no names: all
};

/// Formats that a pass can round to.
enum class Formats { Integers, All };

/// Reads the options that all these passes have. Emits an error at the module where they make no sense.
mlir::FailureOr<RoundingTargets> readTargets(mlir::ModuleOp module, llvm::StringRef pass, llvm::StringRef weights,
                                             llvm::ArrayRef<std::string> names, llvm::ArrayRef<std::string> biasCorrection,
                                             Formats formats = Formats::Integers);

/// What an algorithm makes of one weight: values on the grid of `params` ([N, groups]).
struct RoundedRows {
  std::vector<float> values;
  GridParams params;
  std::string code, error; ///< reason code and clause; set where it could not
  std::optional<EncodedWeight> encoded = {}; ///< in place of `params` for float and table formats
};

using RoundFn = llvm::function_ref<RoundedRows(LinearLikeOpInterface, const WeightRows &, const Sites &)>;

/// Rounds the weights of all targets; those that cannot be rounded stay as they are, with a remark. What the journal, where there is
/// one, holds already is not rounded again. Emits an error at the op where the journal fails.
mlir::LogicalResult roundWeights(mlir::ModuleOp module, const RoundingTargets &targets, DecisionLog &log, RoundFn round,
                                 RoundingJournal *journal);

/// Per-tensor scales serve as every row's while codes are chosen; afterwards there is one.
RoundedRows shrunk(RoundedRows rounded, const OperandSpec &spec);

/// Scales by a rule. `input` is needed by the last two rules only.
Result<GridParams> scalesOf(std::span<const float> weight, RowShape shape, const OperandSpec &spec, ClipRule rule, const LinearInput *input);

/// The weight's values [N, K], each to the nearest that the spec has, with scales of its own. Nothing, with a clause in `why`, where it cannot
/// have the spec.
std::vector<float> nearestRows(const WeightRows &weight, const OperandSpec &spec, std::string &why);

/// SQNR in dB of the op's product on calibration's inputs, over some of its outputs.
double localSqnr(std::span<const float> weight, RowShape shape, std::span<const float> rounded, const LinearInput &input);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ROUNDWEIGHTS_H
