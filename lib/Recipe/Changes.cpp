// What a command line changes about a recipe.
#include "Stages.h"
#include "qopt/Recipe/Changes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace qopt {
namespace {

/// Stages of a command line stand in no file.
constexpr unsigned noLine = 0;

Error unknownAlgorithm(StringRef name) {
  return makeError("there is no algorithm '" + name + "'" + yaml::suggestion(name, algorithmNames()) + "; known are " +
                   join(algorithmNames(), ", "));
}

/// The stage of `name` as the recipe has it, else with defaults on the ops of `chooser`, the stage that chooses codes.
Expected<Stage> stageOf(StringRef name, const Recipe &recipe, const Stage &chooser) {
  auto own = find_if(recipe.stages, [&](const Stage &stage) { return algorithmName(stage.options) == name; });
  Stage stage;
  if (own != recipe.stages.end()) {
    stage = *own;
  } else {
    yaml::Node none;
    yaml::Problems problems("");
    stage.options = [&] {
      yaml::MapReader map(none, name, problems);
      return parseAlgorithm(name, map);
    }();
    if (problems.any()) {
      consumeError(problems.take());
      return makeError(name + " needs keys of its own, which only a recipe can give it (docs/recipes.md)");
    }
    stage.targets = chooser.targets;
    stage.ignore = chooser.ignore;
  }
  stage.line = noLine;
  if (choosesCodes(stage.options))
    stage.scheme = chooser.scheme;
  return stage;
}

/// What changes the float model comes first, above all what calibration is to see; what chooses codes late, what trains under them last.
int rank(const Stage &stage) {
  return precedesCalibration(stage.options) ? 0 : changesWeights(stage.options) ? 1 : followsCodes(stage.options) ? 4
         : choosesCodes(stage.options)      ? 3 : 2;
}

Error whyNotOneChooser(ArrayRef<Stage> stages) {
  const Stage *first = nullptr;
  for (const Stage &stage : stages) {
    if (first && choosesCodes(stage.options))
      return makeError(algorithmName(first->options) + " and " + algorithmName(stage.options) +
                       " both choose the codes of the weights; keep one");
    if (choosesCodes(stage.options))
      first = &stage;
  }
  return Error::success();
}

} // namespace

Error replaceAlgorithms(Recipe &recipe, ArrayRef<StringRef> names) {
  auto chooser = find_if(recipe.stages, [](const Stage &stage) { return choosesCodes(stage.options) && stage.scheme; });
  if (chooser == recipe.stages.end() || count_if(recipe.stages, [](const Stage &s) { return choosesCodes(s.options); }) > 1)
    return makeError(recipe.file + " quantizes in more than one way; change its stages instead");
  std::vector<Stage> stages;
  StringSet<> seen;
  for (StringRef name : names) {
    if (!is_contained(algorithmNames(), name))
      return unknownAlgorithm(name);
    if (!seen.insert(name).second)
      return makeError("the algorithm '" + name + "' is named twice");
    auto stage = stageOf(name, recipe, *chooser);
    if (!stage)
      return stage.takeError();
    stages.push_back(std::move(*stage));
  }
  if (Error error = whyNotOneChooser(stages))
    return error;
  if (none_of(stages, [](const Stage &stage) { return choosesCodes(stage.options); })) {
    auto nearest = stageOf("rtn", recipe, *chooser);
    if (!nearest)
      return nearest.takeError();
    stages.push_back(std::move(*nearest));
  }
  recipe.stages.clear();
  for (Stage &stage : stages)
    recipe.stages.insert(llvm::upper_bound(recipe.stages, stage, [](const Stage &a, const Stage &b) { return rank(a) < rank(b); }),
                         std::move(stage));
  recipe.calibration.required = true; // What was asked for by name is not left out for lack of data.
  yaml::Problems problems("");
  checkStages(recipe, problems);
  return problems.take();
}

Error replaceActivationFormat(Recipe &recipe, StringRef name) {
  StringRef full = StringSwitch<StringRef>(name).Case("e4m3", "f8e4m3fn").Case("e5m2", "f8e5m2").Case("e2m1", "f4e2m1fn").Default(name);
  auto format = parseFormat(std::string_view(full));
  if (!format)
    return makeError("there is no format '" + name + "'; docs/formats.md lists them (e4m3 and e5m2 are short for f8e4m3fn and f8e5m2)");
  bool any = false;
  auto change = [&](std::optional<Scheme> &scheme) {
    if (!scheme || !scheme->activations)
      return;
    any = true;
    scheme->activations->format = *format;
    if (!traits(*format).isInteger())
      scheme->activations->symmetric = true; // Floats have no zero point.
  };
  for (Stage &stage : recipe.stages)
    change(stage.scheme);
  for (Override &override : recipe.overrides)
    change(override.scheme);
  return any ? Error::success() : makeError(recipe.file + " leaves activations in float, so they have no format to choose");
}

Error replaceSeed(Recipe &recipe, uint64_t seed) {
  bool any = false;
  for (Stage &stage : recipe.stages)
    if (auto *rotation = std::get_if<RotationOptions>(&stage.options); rotation && rotation->randomized) {
      rotation->seed = seed;
      any = true;
    }
  return any ? Error::success() : makeError("nothing in " + recipe.file + " is random, so there is nothing to seed");
}

std::optional<uint64_t> seedOf(const Recipe &recipe) {
  for (const Stage &stage : recipe.stages)
    if (const auto *rotation = std::get_if<RotationOptions>(&stage.options); rotation && rotation->randomized)
      return rotation->seed;
  return std::nullopt;
}

} // namespace qopt
