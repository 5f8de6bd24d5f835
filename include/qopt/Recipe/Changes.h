// What a command line changes about a recipe: --algorithm, --activation-format, --seed.
#pragma once
#include "qopt/Recipe/Recipe.h"

namespace qopt {

/// Puts these algorithms in place of the recipe's stages. Each keeps the options and the ops that the recipe gives a stage of its name;
/// others get their defaults and the ops of the stage that chooses codes, whose scheme remains. Without an algorithm that chooses
/// codes weights are rounded to nearest. The order given does not matter but among those that change the float model.
/// Errors: an unknown name, one that is there twice, algorithms that exclude each other (with the reason).
llvm::Error replaceAlgorithms(Recipe &recipe, llvm::ArrayRef<llvm::StringRef> names);

/// Gives every scheme's activations this format (a name of docs/formats.md, or e4m3, e5m2, e2m1). Errors: no such format; no scheme
/// quantizes activations.
llvm::Error replaceActivationFormat(Recipe &recipe, llvm::StringRef name);

/// Seeds what is random: randomized rotations. Errors: nothing is.
llvm::Error replaceSeed(Recipe &recipe, uint64_t seed);
/// The seed of what is random; nothing where nothing is.
std::optional<uint64_t> seedOf(const Recipe &recipe);

} // namespace qopt
