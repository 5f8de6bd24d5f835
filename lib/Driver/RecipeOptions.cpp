#include "RecipeOptions.h"

#include "qopt/Recipe/Changes.h"
#include "qopt/Support/Hash.h"

#include "llvm/ADT/SmallVector.h"

using namespace llvm;
using namespace qopt;

namespace {

constexpr StringRef kChanges[] = {"--algorithm", "--activation-format", "--seed"};

StringRef nameOf(const Arguments &arguments) { return arguments.get("--recipe", arguments.get("--scheme", "W8A8")); }

/// The changes as they were given; empty for none.
std::string changesOf(const Arguments &arguments) {
  std::string text;
  for (StringRef option : kChanges)
    if (auto value = arguments.get(option))
      text += (" " + option + " " + *value).str();
  return text;
}

Expected<Recipe> readNamed(const Arguments &arguments) {
  auto file = arguments.get("--recipe");
  if (file && arguments.has("--scheme"))
    return usageError("--recipe and --scheme exclude each other");
  if (file && arguments.has("--algorithm"))
    return usageError("--recipe names its algorithms itself; --algorithm goes with --scheme");
  return file ? readRecipe(*file) : recipeForScheme(arguments.get("--scheme", "W8A8"));
}

/// A change that does not fit is the command line's fault.
Error asUsage(StringRef option, Error error) {
  return error ? usageError(option + ": " + toString(std::move(error))) : Error::success();
}

Error applyAlgorithms(Recipe &recipe, StringRef list) {
  SmallVector<StringRef> names;
  list.split(names, ',');
  return asUsage("--algorithm", replaceAlgorithms(recipe, names));
}

} // namespace

Expected<Recipe> qopt::chooseRecipe(const Arguments &arguments) {
  auto recipe = readNamed(arguments);
  if (!recipe)
    return recipe;
  if (auto list = arguments.get("--algorithm"))
    if (Error error = applyAlgorithms(*recipe, *list))
      return std::move(error);
  if (auto format = arguments.get("--activation-format"))
    if (Error error = asUsage("--activation-format", replaceActivationFormat(*recipe, *format)))
      return std::move(error);
  auto seed = arguments.integer("--seed", 0, 0);
  if (!seed)
    return seed.takeError();
  if (arguments.has("--seed"))
    if (Error error = asUsage("--seed", replaceSeed(*recipe, *seed)))
      return std::move(error);
  return recipe;
}

std::string qopt::recipeText(const Arguments &arguments) { return nameOf(arguments).str() + changesOf(arguments); }

Expected<std::string> qopt::recipeHash(const Arguments &arguments) {
  std::string changes = changesOf(arguments);
  auto file = arguments.get("--recipe");
  if (!file)
    return sha256((shippedRecipeText(nameOf(arguments)) + changes).str());
  auto hash = sha256OfFile(*file);
  if (!hash || changes.empty())
    return hash;
  return sha256(*hash + changes);
}
