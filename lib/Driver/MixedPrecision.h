// Mixed precision: the scheme of each site by what it costs and saves.
#pragma once
#include "StagePasses.h"

namespace qopt {

struct PrecisionReport;

/// Gives each site that a mixed_precision stage touches, and no override does, one of the stage's schemes. `module` is what the stages
/// before it have made of the model; `given`: nothing where there are statistics and no samples. Errors: no calibration data, a scheme whose noise
/// cannot be predicted, a bound that no choice meets, time or divergence without samples.
llvm::Error assignPrecisions(mlir::ModuleOp module, const ResolvedRecipe &resolved, llvm::MutableArrayRef<SitePlan> plans,
                             const std::optional<PrecisionInputs> &given, PrecisionReport &report);

} // namespace qopt
