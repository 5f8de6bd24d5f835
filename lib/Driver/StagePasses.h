// A recipe's stages as passes.
#pragma once
#include "Quantization.h"

#include "qopt/Recipe/Recipe.h"

#include "llvm/ADT/StringSet.h"

#include <map>
#include <memory>
#include <set>

namespace mlir {
class PassManager;
} // namespace mlir

namespace qopt {

class RoundingJournal;
struct InsertQDQPassOptions;

/// What becomes of the model's products and convolutions, and the statistics that say how.
struct ResolvedRecipe {
  const Recipe &recipe;
  llvm::ArrayRef<RecipeSite> sites;
  llvm::ArrayRef<SitePlan> plans;
  std::shared_ptr<const InputTable> inputs; ///< null: no calibration data
  std::shared_ptr<RoundingJournal> journal = {};
};

/// The options of qopt-insert-qdq that make a scheme, or a clause that says what is not there yet.
struct PairOptions {
  std::shared_ptr<InsertQDQPassOptions> options;
  std::string missing;
};
PairOptions pairOptions(const Scheme &scheme);

/// Stages that need calibration data, for recipes that can do without.
bool needsData(const Stage &stage);
/// Stages that read Gram matrices where calibration gathers them.
bool readsInputs(const Stage &stage);

/// Adds the passes that change the float model, not its function, before calibration sees it.
void addRewriting(mlir::PassManager &pm, const ResolvedRecipe &resolved);
/// Adds those that do so with what calibration saw.
void addPreparation(mlir::PassManager &pm, const ResolvedRecipe &resolved);
/// Adds those that choose codes, for the sites named in `only` (all where it is empty). Errors: a combination that this build cannot do.
llvm::Error addRounding(mlir::PassManager &pm, const ResolvedRecipe &resolved, const llvm::StringSet<> &only);
/// Adds qopt-insert-qdq: activations, and the weights that no other pass rounded. Errors: a format that this build cannot make.
llvm::Error addPairs(mlir::PassManager &pm, const ResolvedRecipe &resolved);

} // namespace qopt
