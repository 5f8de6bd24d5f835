// Recipe files of llm-compressor, read as they are.
//
// Grammar and defaults: llm-compressor 0.8 (modifiers/quantization, smoothquant, awq) and compressed-tensors 0.12
// (quant_args.py, quant_scheme.py). Their W8A8 computes activation scales per token at run time: ours is W8A8_DYNAMIC.
#include "SchemeParser.h"
#include "Stages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace qopt {
namespace {

StringRef shippedNameOf(StringRef preset) {
  return StringSwitch<StringRef>(preset)
      .Cases({"W8A8", "INT8", "W8A8_DYNAMIC"}, "W8A8_DYNAMIC")
      .Case("FP8_BLOCK", "FP8_BLOCK")
      .Cases({"W8A16", "W4A16", "W4A16_ASYM", "W4A8", "FP8", "FP8_DYNAMIC", "NVFP4", "MXFP4", "W4AFP8"}, preset)
      .Default("");
}

// What their presets are called that ours cannot express yet, for the message.
constexpr StringRef presets =
    "W8A8, INT8, W8A16, W4A16, W4A16_ASYM, W4A8, FP8, FP8_DYNAMIC, FP8_BLOCK, NVFP4, MXFP4, W4AFP8";

class Reader {
public:
  Reader(const yaml::Node &root, yaml::Problems &problems) : root(root), problems(problems) {}

  Recipe run() {
    for (const auto &[name, stage] : root.fields)
      readStage(name, stage);
    if (recipe.stages.empty() && !problems.any())
      problems.add(root.line, "the recipe holds no modifier");
    return std::move(recipe);
  }

private:
  void readStage(StringRef name, const yaml::Node &stage) {
    if (!name.ends_with("_stage"))
      return readModifiers(stage, name);
    for (const auto &[key, modifiers] : stage.fields)
      if (StringRef(key).ends_with("_modifiers"))
        readModifiers(modifiers, key);
      else if (key == "run_type")
        remark(modifiers.line, key);
      else
        problems.add(modifiers.line, "unknown key '" + key + "' in " + name + "; known are …_modifiers");
  }

  void readModifiers(const yaml::Node &node, StringRef what) {
    if (node.kind != yaml::Node::Map)
      return problems.add(node.line, what + " should be a map of modifiers");
    for (const auto &[name, modifier] : node.fields)
      readModifier(name, modifier);
  }

  void readModifier(StringRef name, const yaml::Node &node) {
    yaml::MapReader map(node, name, problems);
    for (StringRef key :
         {"sequential_update", "sequential_targets", "offload_hessians", "offload_device", "num_calibration_steps",
          "disable_quantization_observer_epoch", "index", "group", "start", "end"})
      if (const yaml::Node *found = map.take(key))
        remark(found->line, key);
    if (name == "SmoothQuantModifier")
      return smoothQuant(map, node.line);
    if (name == "GPTQModifier")
      return gptq(map, node.line);
    if (name == "AWQModifier")
      return awq(map, node.line);
    if (name == "QuantizationModifier")
      return quantize(map, node.line, RTNOptions{});
    problems.add(node.line, "the modifier " + name +
                                " is not known; known are SmoothQuantModifier, GPTQModifier, "
                                "AWQModifier, QuantizationModifier");
  }

  void remark(unsigned line, StringRef key) {
    recipe.remarks.push_back(("line " + Twine(line) + ": '" + key +
                              "' says where and when llm-compressor works; it has no "
                              "meaning here")
                                 .str());
  }

  void smoothQuant(yaml::MapReader &map, unsigned line) {
    SmoothQuantOptions options;
    options.alpha = 0.5; // their default
    map.takeOptional("smoothing_strength", options.alpha, 0.0, 1.0, false);
    findsMappings(map);
    Stage stage = {line, options, {}, parseSelectors("ignore", map), std::nullopt};
    stage.targets.push_back(cantFail(Selector::parse("Linear", line)));
    recipe.stages.push_back(std::move(stage));
  }

  /// Which layers feed which: found from the graph here.
  void findsMappings(yaml::MapReader &map) {
    if (const yaml::Node *mappings = map.take("mappings"))
      if (mappings->kind != yaml::Node::Null)
        recipe.remarks.push_back(("line " + Twine(mappings->line) +
                                  ": mappings are found from the dataflow; those of the file are not needed")
                                     .str());
  }

  void gptq(yaml::MapReader &map, unsigned line) {
    GPTQOptions options;
    map.take("block_size", options.blockSize, 1, 1 << 20);
    map.take("dampening_frac", options.dampeningFraction, 0, 1, true);
    readOrder(map, options);
    quantize(map, line, options);
  }

  static void readOrder(yaml::MapReader &map, GPTQOptions &options) {
    int order = -1;
    // "weight" and "group" are what "static" and "dynamic" were called.
    map.takeChoice("actorder", order, {"none", "static", "dynamic", "weight", "group"});
    constexpr ActivationOrder orders[] = {ActivationOrder::None, ActivationOrder::Static, ActivationOrder::Dynamic,
                                          ActivationOrder::Static, ActivationOrder::Dynamic};
    if (order >= 0)
      options.order = orders[order];
  }

  void awq(yaml::MapReader &map, unsigned line) {
    AWQOptions options;
    options.clip = false; // theirs has none
    map.take("n_grid", options.gridSize, 1, 1000);
    std::string duo = "true";
    map.take("duo_scaling", duo);
    options.duoScaling = duo != "false";
    findsMappings(map);
    Stage stage = {line, options, {}, parseSelectors("ignore", map), std::nullopt};
    stage.targets.push_back(cantFail(Selector::parse("Linear", line)));
    recipe.stages.push_back(std::move(stage));
    quantize(map, line, RTNOptions{});
  }

  /// The part that all quantizing modifiers share: schemes on targets.
  void quantize(yaml::MapReader &map, unsigned line, AlgorithmOptions options) {
    std::vector<Selector> ignore = parseSelectors("ignore", map), targets = parseSelectors("targets", map);
    if (targets.empty())
      targets.push_back(cantFail(Selector::parse("Linear", line)));
    if (const yaml::Node *cache = map.take("kv_cache_scheme"); cache && cache->kind != yaml::Node::Null)
      problems.add(cache->line, "kv_cache_scheme is not known yet; quantize the cache in a run of its own");
    const yaml::Node *scheme = map.take("scheme"), *groups = map.take("config_groups");
    if (groups && groups->kind == yaml::Node::Map)
      for (const auto &[name, group] : groups->fields)
        readGroup(name, group, options, ignore);
    else if (scheme && scheme->kind == yaml::Node::Scalar)
      addStage(line, options, targets, ignore, preset(scheme->text, scheme->line));
    else if (scheme && scheme->kind == yaml::Node::Map)
      for (const auto &[name, layers] : scheme->fields) {
        yaml::MapReader entry(*scheme, "scheme", problems);
        for (const auto &[other, unused] : scheme->fields)
          entry.take(other);
        addStage(layers.line, options, parseSelectors(name, entry), ignore, preset(name, layers.line));
      }
    else
      problems.add(line, map.what() + " needs a scheme or config_groups");
  }

  std::optional<Scheme> preset(StringRef name, unsigned line) {
    std::string upper = name.upper();
    if (const Scheme *scheme = findShippedScheme(shippedNameOf(upper)))
      return *scheme;
    problems.add(line, "there is no scheme '" + name + "'; known are " + presets);
    return std::nullopt;
  }

  void addStage(unsigned line, const AlgorithmOptions &options, std::vector<Selector> targets,
                const std::vector<Selector> &ignore, std::optional<Scheme> scheme) {
    recipe.stages.push_back({line, options, std::move(targets), ignore, std::move(scheme)});
  }

  void readGroup(StringRef name, const yaml::Node &node, AlgorithmOptions options,
                 const std::vector<Selector> &ignore) {
    yaml::MapReader map(node, name, problems);
    Scheme scheme;
    scheme.name = name.str();
    scheme.description = "config group of an llm-compressor recipe";
    std::vector<Selector> targets = parseSelectors("targets", map);
    if (const yaml::Node *weights = map.take("weights"); weights && weights->kind != yaml::Node::Null)
      scheme.weights = operand(*weights, true, options);
    if (const yaml::Node *inputs = map.take("input_activations"); inputs && inputs->kind != yaml::Node::Null)
      scheme.activations = operand(*inputs, false, options);
    if (const yaml::Node *outputs = map.take("output_activations"); outputs && outputs->kind != yaml::Node::Null)
      problems.add(outputs->line, "output_activations are quantized where the next op reads them; leave the key out");
    map.take("format"); // of the checkpoint: chosen by the output
    if (problems.any())
      return;
    if (std::string problem = checkScheme(scheme); !problem.empty())
      problems.add(node.line, name + ": " + problem);
    addStage(node.line, options, std::move(targets), ignore, std::move(scheme));
  }

  OperandSpec operand(const yaml::Node &node, bool isWeight, AlgorithmOptions &options) {
    OperandSpec spec;
    yaml::MapReader map(node, isWeight ? "weights" : "input_activations", problems);
    int64_t bits = 8, group = -1;
    int type = 0, strategy = -1;
    map.take("num_bits", bits, 2, 8);
    map.takeChoice("type", type, {"int", "float"});
    map.take("symmetric", spec.symmetric);
    map.takeChoice("strategy", strategy, {"tensor", "channel", "group", "token", "block", "tensor_group"});
    map.take("group_size", group, -1, 1 << 20);
    std::string dynamic = "false";
    map.take("dynamic", dynamic);
    spec.dynamic = !isWeight && dynamic != "false"; // "local": the group scales only
    readBlock(map, spec);
    if (auto *gptq = std::get_if<GPTQOptions>(&options))
      readOrder(map, *gptq);
    else
      map.take("actorder");
    for (StringRef key : {"observer", "observer_kwargs", "scale_dtype", "zp_dtype"})
      map.take(key);
    chooseFormat(node.line, bits, type == 1, spec);
    chooseGranularity(strategy, group, spec);
    return spec;
  }

  void readBlock(yaml::MapReader &map, OperandSpec &spec) {
    std::vector<std::string> block;
    map.take("block_structure", block);
    if (block.size() == 2 && (StringRef(block[0]).getAsInteger(10, spec.blockRows) ||
                              StringRef(block[1]).getAsInteger(10, spec.blockColumns)))
      map.problems.add(map.line(), "block_structure should be two whole numbers");
  }

  void chooseFormat(unsigned line, int64_t bits, bool isFloat, OperandSpec &spec) {
    std::string name = isFloat ? (bits == 8   ? "f8e4m3fn"
                                  : bits == 4 ? "f4e2m1fn"
                                              : "")
                               : (spec.symmetric ? "int" : "uint") + std::to_string(bits);
    if (auto format = parseFormat(std::string_view(name)))
      spec.format = *format;
    else
      problems.add(line, Twine(bits) + "-bit " + (isFloat ? "float" : "integer") + " is no format that is known");
  }

  static void chooseGranularity(int strategy, int64_t group, OperandSpec &spec) {
    constexpr Granularity strategies[] = {Granularity::Tensor, Granularity::Channel, Granularity::Group,
                                          Granularity::Token,  Granularity::Block,   Granularity::Group};
    // Their rule where no strategy is given: a group size makes groups, -1 channels.
    spec.granularity = strategy >= 0 ? strategies[strategy] : group > 0 ? Granularity::Group : Granularity::Tensor;
    if (spec.granularity == Granularity::Group) {
      spec.groupSize = group;
      spec.doubleScales = strategy == 5;
      if (spec.doubleScales)
        spec.scaleFormat = Format::F8E4M3FN;
    }
  }

  const yaml::Node &root;
  yaml::Problems &problems;
  Recipe recipe;
};

} // namespace

bool isLLMCompressor(const yaml::Node &root) {
  return root.kind == yaml::Node::Map && any_of(root.fields, [](const auto &field) {
           return StringRef(field.first).ends_with("_stage") || StringRef(field.first).ends_with("_modifiers");
         });
}

Recipe parseLLMCompressor(const yaml::Node &root, yaml::Problems &problems) { return Reader(root, problems).run(); }

} // namespace qopt
