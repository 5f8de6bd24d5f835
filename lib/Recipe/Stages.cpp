#include "Stages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <limits>

using namespace llvm;

namespace qopt {
namespace {

// In the order of AlgorithmOptions' alternatives.
constexpr StringRef names[] = {
    "rtn",      "smoothquant",    "awq", "gptq", "hqq", "clip_search", "equalization", "bias_correction", "rotation",
    "rounding", "mixed_precision", "distillation", "reconstruction"};
static_assert(std::size(names) == std::variant_size_v<AlgorithmOptions>);

struct Keys {
  yaml::MapReader &map;

  void operator()(RTNOptions &) {}
  void operator()(SmoothQuantOptions &o) { map.takeOptional("alpha", o.alpha, 0.0, 1.0, false); }
  void operator()(AWQOptions &o) {
    map.take("grid_size", o.gridSize, 1, 1000);
    map.take("duo_scaling", o.duoScaling);
    map.take("clip", o.clip);
  }
  void operator()(GPTQOptions &o) {
    map.take("block_size", o.blockSize, 1, 1 << 20);
    map.take("dampening_frac", o.dampeningFraction, 0, 1, true);
    int order = static_cast<int>(o.order);
    map.takeChoice("actorder", order, {"none", "static", "dynamic"});
    o.order = static_cast<ActivationOrder>(order);
    map.take("shrinkage", o.shrinkage, 0, 1000, false);
    map.take("refits", o.refits, 0, 1000);
    map.take("sweeps", o.sweeps, 0, 1000);
  }
  void operator()(HQQOptions &o) { map.take("iterations", o.iterations, 1, 10000); }
  void operator()(ClipSearchOptions &o) {
    int objective = static_cast<int>(o.objective);
    map.takeChoice("objective", objective, {"weights", "inputs", "hessian"});
    o.objective = static_cast<ClipObjective>(objective);
  }
  void operator()(EqualizationOptions &) {}
  void operator()(BiasCorrectionOptions &) {}
  void operator()(RotationOptions &o) {
    map.take("randomized", o.randomized);
    int64_t seed = 0;
    map.take("seed", seed, 0, std::numeric_limits<int64_t>::max());
    o.seed = static_cast<uint64_t>(seed);
  }
  void operator()(RoundingOptions &o) {
    map.take("sweeps", o.sweeps, 1, 1000);
    map.take("floor_or_ceil", o.floorOrCeil);
  }
  void operator()(DistillationOptions &o) {
    int loss = static_cast<int>(o.loss);
    map.takeChoice("loss", loss, {"kl", "mse"});
    o.loss = static_cast<OutputLoss>(loss);
    map.take("epochs", o.epochs, 1, 1000);
    map.take("batch", o.batch, 1, 1 << 20);
    map.take("biases", o.biases);
    map.take("learning_rate", o.rate, 0, 1, true);
  }
  void operator()(ReconstructionOptions &o) {
    map.take("steps", o.steps, 1, 1 << 20);
    map.take("batch", o.batch, 1, 1 << 20);
    map.takeOptional("learning_rate", o.rate, 0.0, 1.0, true);
    map.take("scales", o.scales);
    map.take("scale_rate", o.scaleRate, 0, 1, true);
  }
  /// Exactly one bound, and nothing beside it that means another.
  void checkBounds(const MixedPrecisionOptions &o) {
    SmallVector<StringRef> bounds;
    for (auto [name, isThere] : {std::pair<StringRef, bool>("bits_per_weight", o.bitsPerWeight.has_value()), {"relative_latency", o.relativeLatency.has_value()},
                                 {"minimum_sqnr", o.minimumSQNR.has_value()}, {"maximum_divergence", o.maximumDivergence.has_value()}})
      if (isThere)
        bounds.push_back(name);
    auto lineOf = [&](StringRef key) {
      const yaml::Node *node = map.take(key);
      return node ? node->line : map.line();
    };
    if (bounds.size() != 1)
      return map.problems.add(bounds.empty() ? map.line() : lineOf(bounds[1]),
                              "mixed_precision needs bits_per_weight, relative_latency, minimum_sqnr or maximum_divergence, one of them" +
                                  (bounds.empty() ? "" : ", and has " + join(bounds, " and ")));
    if (o.boundsCost() && map.take("minimize"))
      map.problems.add(lineOf("minimize"), "minimize says what to save where the outputs have a bound; with " + bounds[0] + " it is their errors that become least");
    if ((o.minimumSQNR && o.loss == OutputLoss::KL) || (o.maximumDivergence && o.loss == OutputLoss::MSE))
      map.problems.add(lineOf("loss"), bounds[0] + (o.minimumSQNR ? " bounds mse, not kl" : " bounds kl, not mse"));
  }
  void operator()(MixedPrecisionOptions &o) {
    map.takeOptional("bits_per_weight", o.bitsPerWeight, 1.0, 16.0, false);
    map.takeOptional("relative_latency", o.relativeLatency, 0.0, 10.0, true);
    map.takeOptional("minimum_sqnr", o.minimumSQNR, 0.0, 200.0, false);
    map.takeOptional("maximum_divergence", o.maximumDivergence, 0.0, 1000.0, true);
    map.take("samples", o.samples, 1, int64_t(1) << 40);
    int loss = o.maximumDivergence ? 0 : static_cast<int>(o.loss), cost = static_cast<int>(o.minimize);
    map.takeChoice("loss", loss, {"kl", "mse"});
    map.takeChoice("minimize", cost, {"size", "latency"});
    o.loss = static_cast<OutputLoss>(loss);
    o.minimize = static_cast<PrecisionCost>(cost);
    checkBounds(o);
  }
};

template <size_t index = 0> AlgorithmOptions makeOptions(size_t wanted) {
  if constexpr (index + 1 < std::variant_size_v<AlgorithmOptions>)
    if (index != wanted)
      return makeOptions<index + 1>(wanted);
  return AlgorithmOptions(std::in_place_index<index>);
}

template <typename Options> bool is(const AlgorithmOptions &options) { return std::holds_alternative<Options>(options); }

/// " (line N)" of a stage that stands in a file.
std::string whereOf(const Stage &stage) { return stage.line ? " (line " + std::to_string(stage.line) + ")" : ""; }

} // namespace

ArrayRef<StringRef> algorithmNames() { return names; }
StringRef algorithmName(const AlgorithmOptions &options) { return names[options.index()]; }

bool choosesCodes(const AlgorithmOptions &options) {
  return std::holds_alternative<RTNOptions>(options) || std::holds_alternative<GPTQOptions>(options) ||
         std::holds_alternative<HQQOptions>(options) || std::holds_alternative<RoundingOptions>(options) ||
         std::holds_alternative<MixedPrecisionOptions>(options);
}

bool scalesChannels(const AlgorithmOptions &options) { return is<SmoothQuantOptions>(options) || is<AWQOptions>(options); }
bool followsCodes(const AlgorithmOptions &options) { return is<DistillationOptions>(options) || is<ReconstructionOptions>(options); }

bool precedesCalibration(const AlgorithmOptions &options) { return is<RotationOptions>(options) || is<EqualizationOptions>(options); }

bool changesWeights(const AlgorithmOptions &options) {
  return scalesChannels(options) || precedesCalibration(options);
}

AlgorithmOptions parseAlgorithm(StringRef name, yaml::MapReader &map) {
  AlgorithmOptions options = makeOptions(llvm::find(names, name) - std::begin(names));
  std::visit(Keys{map}, options);
  return options;
}

std::vector<Selector> parseSelectors(StringRef key, yaml::MapReader &map) {
  std::vector<std::string> texts;
  std::vector<unsigned> lines;
  map.take(key, texts, &lines);
  std::vector<Selector> selectors;
  for (auto [text, line] : zip(texts, lines)) {
    Expected<Selector> selector = Selector::parse(text, line);
    if (selector)
      selectors.push_back(std::move(*selector));
    else
      map.problems.add(line, toString(selector.takeError()));
  }
  return selectors;
}

void checkStages(const Recipe &recipe, yaml::Problems &problems) {
  const Stage *quantizer = nullptr, *scaler = nullptr;
  bool quantizesActivations = any_of(recipe.stages, [](const Stage &stage) {
    const auto *mixed = std::get_if<MixedPrecisionOptions>(&stage.options);
    return (stage.scheme && stage.scheme->activations) ||
           (mixed && any_of(mixed->schemes, [](const Scheme &scheme) { return scheme.activations.has_value(); }));
  });
  quantizesActivations |= any_of(
      recipe.overrides, [](const Override &override) { return override.scheme && override.scheme->activations; });
  for (const Stage &stage : recipe.stages) {
    std::string name = algorithmName(stage.options).str();
    if (changesWeights(stage.options) && quantizer)
      problems.add(stage.line, name + " changes float weights, so it must stand before " +
                                   algorithmName(quantizer->options) + whereOf(*quantizer));
    if (is<SmoothQuantOptions>(stage.options) && !quantizesActivations)
      problems.add(stage.line, "smoothquant serves quantized activations, but no scheme here quantizes any; use awq");
    if (precedesCalibration(stage.options) && scaler)
      problems.add(stage.line, name + " changes the tensors that " + algorithmName(scaler->options) + whereOf(*scaler) +
                                   " has statistics of, so it must stand before it");
    if (scalesChannels(stage.options) && scaler && !is<SmoothQuantOptions>(stage.options) != !is<SmoothQuantOptions>(scaler->options))
      problems.add(stage.line, name + " and " + algorithmName(scaler->options) + whereOf(*scaler) +
                                   " scale the same channels; keep one");
    if (followsCodes(stage.options) && !quantizer)
      problems.add(stage.line, name + " trains what codes that are chosen stand for, so it must stand behind what chooses them");
    if (choosesCodes(stage.options))
      quantizer = &stage;
    if (scalesChannels(stage.options))
      scaler = &stage;
  }
}

} // namespace qopt
