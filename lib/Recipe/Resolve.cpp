#include "qopt/Recipe/Recipe.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace qopt {
namespace {

class Resolver {
public:
  Resolver(const Recipe &recipe, ArrayRef<RecipeSite> sites) : recipe(recipe), sites(sites), plans(sites.size()) {}

  Expected<std::vector<SitePlan>> run() {
    for (unsigned i = 0; i < recipe.stages.size(); ++i)
      if (Error error = applyStage(i))
        return error;
    if (Error error = applyOverrides())
      return error;
    for (SitePlan &plan : plans)
      if (!plan.scheme && plan.reason.empty())
        plan.reason = "no stage targets it";
    return std::move(plans);
  }

private:
  Error at(unsigned line, const Twine &what) const { return makeError(recipe.file + ":" + Twine(line) + ": " + what); }

  /// The sites that any of `selectors` matches. Errors: a selector that matches none.
  Expected<std::vector<bool>> match(ArrayRef<Selector> selectors) const {
    std::vector<bool> chosen(sites.size());
    for (const Selector &selector : selectors) {
      bool any = false;
      for (auto [index, site] : enumerate(sites))
        if (selector.matches(site.name, site.kinds))
          chosen[index] = any = true;
      if (!any && !selector.isOptional())
        return at(selector.line(), "'" + selector.text() + "' matches no op of the model" + nearest(selector));
    }
    return chosen;
  }

  /// The most alike name, so that a misspelling can be seen.
  std::string nearest(const Selector &selector) const {
    StringRef best;
    unsigned least = static_cast<unsigned>(selector.text().size()) / 2 + 1;
    for (const RecipeSite &site : sites) {
      std::string module = moduleName(site.name);
      for (StringRef name : {StringRef(site.name), StringRef(module)})
        if (unsigned distance = StringRef(selector.text()).edit_distance(name, true, least); distance < least) {
          least = distance;
          best = site.name;
        }
    }
    if (!best.empty())
      return "; the nearest is '" + best.str() + "'";
    return sites.empty() ? " (it has none that can be quantized)" : "; one of its ops is '" + sites[0].name + "'";
  }

  Error applyStage(unsigned index) {
    const Stage &stage = recipe.stages[index];
    auto targets = match(stage.targets);
    if (!targets)
      return targets.takeError();
    auto ignored = match(stage.ignore);
    if (!ignored)
      return ignored.takeError();
    for (size_t i = 0; i < sites.size(); ++i) {
      if (!(*targets)[i])
        continue;
      if ((*ignored)[i]) {
        plans[i].reason = "ignored by line " + std::to_string(stage.line);
        continue;
      }
      plans[i].stages.push_back(index);
      if (stage.scheme)
        if (Error error = setScheme(i, *stage.scheme, stage.line))
          return error;
      // Until the driver has weighed them.
      if (const auto *mixed = std::get_if<MixedPrecisionOptions>(&stage.options))
        if (Error error = setScheme(i, mixed->schemes.front(), stage.line))
          return error;
    }
    return Error::success();
  }

  Error setScheme(size_t site, const Scheme &scheme, unsigned line) {
    SitePlan &plan = plans[site];
    if (plan.scheme)
      return at(line, "'" + sites[site].name + "' gets " + scheme.name + " here, but " + plan.scheme->name +
                          " from another stage already; let their targets differ, or use overrides");
    plan.scheme = &scheme;
    plan.reason.clear();
    return Error::success();
  }

  Error applyOverrides() {
    std::vector<const Override *> by(sites.size());
    for (const Override &override : recipe.overrides) {
      auto chosen = match(override.match);
      if (!chosen)
        return chosen.takeError();
      for (size_t i = 0; i < sites.size(); ++i) {
        if (!(*chosen)[i])
          continue;
        if (by[i] && schemeName(*by[i]) != schemeName(override))
          return at(override.line, "'" + sites[i].name + "' gets " + schemeName(override) + " here, but " +
                                       schemeName(*by[i]) + " in line " + Twine(by[i]->line));
        by[i] = &override;
        if (override.scheme &&
            none_of(plans[i].stages, [&](unsigned s) { return choosesCodes(recipe.stages[s].options); }))
          return at(override.line, "'" + sites[i].name + "' is to get " + override.scheme->name +
                                       ", but no quantizing stage targets it");
        plans[i].scheme = override.scheme ? &*override.scheme : nullptr;
        plans[i].reason = override.scheme ? "" : "kept in float by line " + std::to_string(override.line);
      }
    }
    return Error::success();
  }

  static std::string schemeName(const Override &override) { return override.scheme ? override.scheme->name : "float"; }

  const Recipe &recipe;
  ArrayRef<RecipeSite> sites;
  std::vector<SitePlan> plans;
};

} // namespace

Expected<std::vector<SitePlan>> resolveRecipe(const Recipe &recipe, ArrayRef<RecipeSite> sites) {
  return Resolver(recipe, sites).run();
}

} // namespace qopt
