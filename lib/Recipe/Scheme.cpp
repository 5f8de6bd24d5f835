#include "qopt/Recipe/Scheme.h"
#include "SchemeParser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {
namespace {

// In the order of Granularity.
constexpr StringRef granularities[] = {"tensor", "channel", "group", "token", "block"};

std::optional<Format> takeFormat(yaml::MapReader &map, StringRef key) {
  std::string text;
  map.take(key, text);
  if (text.empty())
    return std::nullopt;
  if (std::optional<Format> format = parseFormat(std::string_view(text)))
    return format;
  SmallVector<StringRef> names;
  for (const FormatTraits &row : allFormats())
    names.push_back(StringRef(row.name.data(), row.name.size()));
  map.problems.add(map.line(), key + " of " + map.what() + " is '" + text + "'" + yaml::suggestion(text, names) +
                                   "; known are " + join(names, ", "));
  return std::nullopt;
}

OperandSpec parseOperand(const yaml::Node &node, bool isWeight, StringRef what, yaml::Problems &problems) {
  OperandSpec spec;
  yaml::MapReader map(node, what, problems);
  std::optional<Format> format = takeFormat(map, "format");
  if (!format && !problems.any())
    problems.add(node.line, what + " lacks a format");
  spec.format = format.value_or(Format::Int8);
  spec.symmetric = !traits(spec.format).isInteger() || traits(spec.format).isSigned;
  int granularity = 0;
  map.takeChoice("granularity", granularity, granularities);
  spec.granularity = static_cast<Granularity>(granularity);
  map.take("group_size", spec.groupSize, 1, 1 << 20);
  std::vector<std::string> block;
  map.take("block", block);
  if (!block.empty() && (block.size() != 2 || StringRef(block[0]).getAsInteger(10, spec.blockRows) ||
                         StringRef(block[1]).getAsInteger(10, spec.blockColumns)))
    problems.add(node.line, "block of " + what + " should be two whole numbers, [rows, columns]");
  map.take("symmetric", spec.symmetric);
  if (!isWeight)
    map.take("dynamic", spec.dynamic);
  spec.scaleFormat = takeFormat(map, "scale_format");
  map.take("double_scales", spec.doubleScales);
  if (isWeight)
    spec.zeroPointFormat = takeFormat(map, "zero_point_format");
  return spec;
}

std::string checkOperand(const OperandSpec &spec, bool isWeight) {
  const FormatTraits &format = traits(spec.format);
  std::string name(format.name);
  if (spec.format == Format::F16 || spec.format == Format::BF16 || spec.format == Format::F32 ||
      spec.format == Format::F8E8M0FNU)
    return "nothing is quantized to " + name;
  if (!spec.symmetric && !format.isInteger())
    return name + " has no zero point, so it is symmetric";
  if (spec.symmetric && format.isInteger() && !format.isSigned)
    return name + " has no negative values, so it is not symmetric (write symmetric: false, or a signed format)";
  if ((spec.granularity == Granularity::Group) != (spec.groupSize > 0))
    return "group_size and granularity: group go together";
  if ((spec.granularity == Granularity::Block) != (spec.blockRows > 0 && spec.blockColumns > 0))
    return "block: [rows, columns] and granularity: block go together";
  if (isWeight && spec.granularity == Granularity::Token)
    return "weights have no tokens";
  if (!isWeight && (spec.granularity == Granularity::Channel || spec.granularity == Granularity::Block))
    return "activations have a scale per tensor, token or group";
  if (!isWeight && !spec.dynamic && spec.granularity != Granularity::Tensor)
    return "a scale per " + granularityName(spec.granularity).str() + " is computed at run time: write dynamic: true";
  if (spec.zeroPointFormat && (*spec.zeroPointFormat != Format::F32 || spec.symmetric))
    return "zero_point_format is f32 or left out, and goes with symmetric: false";
  if (spec.zeroPointFormat && spec.granularity == Granularity::Tensor)
    return "zero points in f32 go with a scale per channel or group";
  if (spec.scaleFormat == Format::F8E8M0FNU && !spec.symmetric)
    return "scales that are powers of two go with symmetric formats";
  return "";
}

} // namespace

Scheme parseScheme(StringRef name, const yaml::Node &node, yaml::Problems &problems) {
  Scheme scheme;
  scheme.name = name.str();
  yaml::MapReader map(node, "scheme " + name, problems);
  map.take("description", scheme.description);
  const yaml::Node *weights = map.take("weights"), *activations = map.take("activations");
  if (weights && weights->kind != yaml::Node::Null)
    scheme.weights = parseOperand(*weights, true, "weights", problems);
  if (activations && activations->kind != yaml::Node::Null)
    scheme.activations = parseOperand(*activations, false, "activations", problems);
  if (problems.any())
    return scheme;
  if (std::string problem = checkScheme(scheme); !problem.empty())
    problems.add(node.line, "scheme " + name + ": " + problem);
  return scheme;
}

std::string checkScheme(const Scheme &scheme) {
  if (!scheme.weights && !scheme.activations)
    return "it quantizes neither weights nor activations";
  if (scheme.weights)
    if (std::string problem = checkOperand(*scheme.weights, true); !problem.empty())
      return "weights: " + problem;
  if (scheme.activations)
    if (std::string problem = checkOperand(*scheme.activations, false); !problem.empty())
      return "activations: " + problem;
  return "";
}

} // namespace qopt
