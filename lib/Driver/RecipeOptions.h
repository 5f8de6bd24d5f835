// The options that say how to quantize, alike for every command that takes them.
#pragma once
#include "qopt/Driver/Options.h"
#include "qopt/Recipe/Recipe.h"
#include <algorithm>
#include <array>

namespace qopt {

inline constexpr Option kRecipeOptions[] = {
    {"--scheme", "S", "how to quantize (default W8A8; `qopt schemes` lists them)"},
    {"--recipe", "FILE.yaml", "a recipe in place of a scheme"},
    {"--algorithm", "A,…", "the algorithms to use in place of the scheme's own, as in awq,clip_search,gptq (docs/recipes.md)"},
    {"--activation-format", "F", "the format of activations in place of the scheme's own, as in e5m2 (docs/formats.md)"},
    {"--seed", "N", "seeds what is random: rotations (default: the recipe's); the same seed gives the same bytes"},
};

/// A command's own options behind those above.
template <size_t N> constexpr auto withRecipeOptions(const Option (&own)[N]) {
  std::array<Option, N + std::size(kRecipeOptions)> all;
  std::copy(own, own + N, std::copy(std::begin(kRecipeOptions), std::end(kRecipeOptions), all.begin()));
  return all;
}

/// The recipe that --recipe or --scheme names (default W8A8), changed as the other options say. Errors: both given, no such scheme,
/// what reading it says, changes that do not fit it.
llvm::Expected<Recipe> chooseRecipe(const Arguments &arguments);

/// What was asked for, in one line: "W4A16 --algorithm awq,gptq".
std::string recipeText(const Arguments &arguments);

/// SHA-256 of the recipe's text and of what the options change about it.
llvm::Expected<std::string> recipeHash(const Arguments &arguments);

} // namespace qopt
