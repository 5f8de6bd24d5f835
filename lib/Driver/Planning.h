// What a recipe means for a model, before anything is changed.
#pragma once
#include "qopt/Calibration/Statistics.h"
#include "qopt/Driver/Driver.h"
#include "qopt/Recipe/Recipe.h"

namespace mlir {
class ModuleOp;
class Operation;
} // namespace mlir

namespace qopt {

class LinearLikeOpInterface;

/// The ops that a recipe's selectors see: products and convolutions with constant weights, in program order. `ops`, where
/// given, receives them.
std::vector<RecipeSite> recipeSites(mlir::ModuleOp module, std::vector<mlir::Operation *> *ops = nullptr);

/// Columns of the matrix that such an op's weight is multiplied with; of one group, where there are several. 0 where outputs are not known.
int64_t columnCount(mlir::Operation *op);

/// Whether a stage that chooses the site's codes reads its inputs.
bool roundsByInputs(const Recipe &recipe, const SitePlan &plan);

/// Bytes of an op's weight quantized, with its scales and zero points, at the formats' own widths.
int64_t quantizedBytes(LinearLikeOpInterface op, const OperandSpec &spec);

/// A clause that says what of a scheme this build cannot make; empty where it can make all.
std::string missingFor(const Scheme &scheme);

struct Model;

/// Tells what becomes of each op on the target of the command line, and what memory, disk and time that takes; with --json as JSON.
/// Errors: what the target has no form for (where it `mustBeLegal`), or this build cannot make.
llvm::Expected<int> tellPlan(const Arguments &arguments, const Recipe &recipe, const Model &model, bool mustBeLegal, Session &session);

/// Refuses, with the sentence of `qopt check`, what the target has no form for. `name` is the scheme's or the recipe's.
llvm::Error checkLegal(mlir::ModuleOp module, const Recipe &recipe, llvm::StringRef name, llvm::StringRef target, bool allowEmulation);

/// How the recipe chooses the ranges of static activations.
RangeChoice rangeChoice(const Recipe &recipe);

} // namespace qopt
