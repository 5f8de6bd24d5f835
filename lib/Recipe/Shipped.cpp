// The recipes of recipes/, compiled in.
#include "SchemeParser.h"
#include "qopt/Recipe/Scheme.h"
#include <vector>

using namespace llvm;

namespace qopt {
namespace {

struct Shipped {
  StringRef scheme, text;
};

constexpr Shipped recipes[] = {
#include "qopt/Recipe/ShippedRecipes.inc"
};

std::vector<Scheme> parseShipped() {
  std::vector<Scheme> schemes;
  for (const Shipped &recipe : recipes) {
    // A test holds that every file is sound and defines the scheme of its name.
    Expected<yaml::Node> root = yaml::parse(recipe.text, recipe.scheme);
    if (!root) {
      consumeError(root.takeError());
      continue;
    }
    yaml::Problems problems(recipe.scheme);
    const yaml::Node *all = root->find("schemes");
    if (const yaml::Node *own = all ? all->find(recipe.scheme) : nullptr)
      schemes.push_back(parseScheme(recipe.scheme, *own, problems));
  }
  return schemes;
}

} // namespace

ArrayRef<Scheme> shippedSchemes() {
  static const std::vector<Scheme> schemes = parseShipped();
  return schemes;
}

const Scheme *findShippedScheme(StringRef name) {
  for (const Scheme &scheme : shippedSchemes())
    if (scheme.name == name)
      return &scheme;
  return nullptr;
}

StringRef shippedRecipeText(StringRef scheme) {
  for (const Shipped &recipe : recipes)
    if (recipe.scheme == scheme)
      return recipe.text;
  return "";
}

} // namespace qopt
