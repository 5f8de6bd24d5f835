#include "qopt/Recipe/Recipe.h"
#include "SchemeParser.h"
#include "Stages.h"
#include "qopt/Support/MappedFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;

namespace qopt {
namespace {

class RecipeParser {
public:
  RecipeParser(const yaml::Node &root, yaml::Problems &problems) : root(root), problems(problems) {}

  Recipe run() {
    yaml::MapReader map(root, "the recipe", problems);
    readSchemes(map.take("schemes"));
    readCalibration(map.take("calibration"));
    const yaml::Node *stages = map.take("stages");
    if (!stages || stages->kind != yaml::Node::List || stages->items.empty())
      problems.add(stages ? stages->line : root.line, "a recipe needs stages, a list of algorithms");
    else
      for (const yaml::Node &stage : stages->items)
        readStage(stage);
    readOverrides(map.take("overrides"));
    return std::move(recipe);
  }

private:
  void readSchemes(const yaml::Node *node) {
    if (!node)
      return;
    if (node->kind != yaml::Node::Map)
      return problems.add(node->line, "schemes should be a map of names and schemes");
    for (const auto &[name, scheme] : node->fields)
      schemes[name] = parseScheme(name, scheme, problems);
  }

  void readCalibration(const yaml::Node *node) {
    if (!node)
      return;
    RecipeCalibration &c = recipe.calibration;
    yaml::MapReader map(*node, "calibration", problems);
    int method = -1;
    map.takeChoice("method", method, SmallVector<StringRef>(std::begin(kRangeMethods), std::end(kRangeMethods)));
    if (method >= 0)
      c.method = static_cast<RangeMethod>(method);
    map.takeOptional("percentile", c.percentile, 50.0, 100.0, true);
    map.takeOptional("averaging_constant", c.averagingConstant, 0.0, 1.0, true);
    map.takeOptional("samples", c.samples, int64_t(1), int64_t(1) << 40);
    map.take("required", c.required);
    map.take("rounds", c.rounds, 1, 100000);
    map.take("compensate", c.compensate);
    map.take("max_columns", c.maxColumns, 1, 1 << 20);
    if (c.compensate && c.rounds == 1)
      problems.add(node->line, "compensate is for the errors of earlier rounds: it goes with rounds of 2 or more");
    map.takeOptional("max_length", c.maxLength, int64_t(1), int64_t(1) << 32);
    if (c.percentile && c.method != RangeMethod::Percentile)
      problems.add(node->line, "percentile goes with method: percentile");
    if (c.averagingConstant && c.method != RangeMethod::MovingAverage)
      problems.add(node->line, "averaging_constant goes with method: moving-average");
  }

  /// One key, the algorithm's name.
  void readStage(const yaml::Node &node) {
    if (node.kind == yaml::Node::Scalar) { // "- equalization"
      yaml::Node empty;
      empty.line = node.line;
      return readAlgorithm(node.text, node.line, empty);
    }
    if (node.kind != yaml::Node::Map || node.fields.size() != 1)
      return problems.add(node.line, "a stage is one algorithm and its options, as in `- gptq: {scheme: W4A16}`");
    readAlgorithm(node.fields[0].first, node.fields[0].second.line, node.fields[0].second);
  }

  void readAlgorithm(StringRef name, unsigned line, const yaml::Node &options) {
    if (!is_contained(algorithmNames(), name))
      return problems.add(line, "there is no algorithm '" + name + "'" + yaml::suggestion(name, algorithmNames()) +
                                    "; known are " + join(algorithmNames(), ", "));
    Stage stage;
    stage.line = line;
    yaml::MapReader map(options, name, problems);
    stage.options = parseAlgorithm(name, map);
    stage.targets = parseSelectors("targets", map);
    stage.ignore = parseSelectors("ignore", map);
    if (!options.find("targets"))
      stage.targets.push_back(cantFail(Selector::parse("all", line)));
    if (auto *mixed = std::get_if<MixedPrecisionOptions>(&stage.options)) {
      readSchemesOf(*mixed, map);
    } else if (choosesCodes(stage.options)) {
      std::string scheme;
      map.take("scheme", scheme);
      if (scheme.empty())
        problems.add(line, name + " needs a scheme");
      else
        stage.scheme = findScheme(scheme, options.find("scheme")->line);
    }
    recipe.stages.push_back(std::move(stage));
  }

  void readSchemesOf(MixedPrecisionOptions &mixed, yaml::MapReader &map) {
    std::vector<std::string> names;
    std::vector<unsigned> lines;
    map.take("schemes", names, &lines);
    if (names.size() < 2)
      problems.add(map.line(), "mixed_precision needs two or more schemes to choose from");
    for (auto [name, line] : zip(names, lines))
      if (auto scheme = findScheme(name, line))
        mixed.schemes.push_back(std::move(*scheme));
  }

  void readOverrides(const yaml::Node *node) {
    if (!node || node->kind == yaml::Node::Null)
      return;
    if (node->kind != yaml::Node::List)
      return problems.add(node->line, "overrides should be a list");
    for (const yaml::Node &item : node->items) {
      Override override;
      override.line = item.line;
      yaml::MapReader map(item, "an override", problems);
      override.match = parseSelectors("match", map);
      std::string scheme;
      map.take("scheme", scheme);
      if (override.match.empty() || scheme.empty())
        problems.add(item.line, "an override needs match and scheme (`scheme: float` keeps the ops as they are)");
      else if (scheme != "float")
        override.scheme = findScheme(scheme, item.line);
      recipe.overrides.push_back(std::move(override));
    }
  }

  std::optional<Scheme> findScheme(StringRef name, unsigned line) {
    if (auto own = schemes.find(name); own != schemes.end())
      return own->second;
    if (const Scheme *shipped = findShippedScheme(name))
      return *shipped;
    SmallVector<StringRef> names;
    for (const Scheme &scheme : shippedSchemes())
      names.push_back(scheme.name);
    for (const auto &own : schemes)
      names.push_back(own.first());
    problems.add(line, "there is no scheme '" + name + "'" + yaml::suggestion(name, names) + "; known are " +
                           join(names, ", "));
    return std::nullopt;
  }

  const yaml::Node &root;
  yaml::Problems &problems;
  Recipe recipe;
  StringMap<Scheme> schemes;
};

} // namespace

bool Recipe::hasStaticActivations() const {
  auto staticScheme = [](const auto &part) { return part.scheme && part.scheme->needsCalibration(); };
  auto choosesStatic = [](const Stage &stage) {
    const auto *mixed = std::get_if<MixedPrecisionOptions>(&stage.options);
    return mixed && any_of(mixed->schemes, [](const Scheme &scheme) { return scheme.needsCalibration(); });
  };
  return any_of(stages, staticScheme) || any_of(stages, choosesStatic) || any_of(overrides, staticScheme);
}

bool Recipe::needsCalibration() const {
  // All but these look at activations.
  auto looksAtData = [](const Stage &stage) {
    return !std::holds_alternative<RTNOptions>(stage.options) && !std::holds_alternative<HQQOptions>(stage.options) &&
           !std::holds_alternative<ClipSearchOptions>(stage.options) &&
           !std::holds_alternative<EqualizationOptions>(stage.options) &&
           !std::holds_alternative<RotationOptions>(stage.options);
  };
  auto weighs = [](const Stage &stage) { return std::holds_alternative<MixedPrecisionOptions>(stage.options); };
  return hasStaticActivations() || any_of(stages, weighs) || (calibration.required && any_of(stages, looksAtData));
}

Expected<Recipe> parseRecipe(StringRef text, StringRef name) {
  Expected<yaml::Node> root = yaml::parse(text, name);
  if (!root)
    return root.takeError();
  yaml::Problems problems(name);
  Recipe recipe = isLLMCompressor(*root) ? parseLLMCompressor(*root, problems) : RecipeParser(*root, problems).run();
  if (!problems.any())
    checkStages(recipe, problems);
  if (problems.any())
    return problems.take();
  recipe.file = name.str();
  return recipe;
}

Expected<Recipe> readRecipe(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parseRecipe((*file)->text(), path);
}

Expected<Recipe> recipeForScheme(StringRef scheme) {
  StringRef text = shippedRecipeText(scheme);
  if (!text.empty())
    return parseRecipe(text, "recipes/" + scheme.str() + ".yaml");
  SmallVector<StringRef> names;
  for (const Scheme &row : shippedSchemes())
    names.push_back(row.name);
  return makeError("there is no scheme '" + scheme + "'" + yaml::suggestion(scheme, names) + "; known are " +
                   join(names, ", "));
}

} // namespace qopt
