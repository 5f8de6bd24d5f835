#include "qopt/TargetInfo/OperandSpec.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qopt {

StringRef granularityName(Granularity granularity) {
  switch (granularity) {
  case Granularity::Tensor:
    return "tensor";
  case Granularity::Channel:
    return "channel";
  case Granularity::Group:
    return "group";
  case Granularity::Token:
    return "token";
  case Granularity::Block:
    return "block";
  }
  return "";
}

std::string describe(const OperandSpec &spec) {
  std::string text(traits(spec.format).name);
  text += " per " + granularityName(spec.granularity).str();
  if (spec.granularity == Granularity::Group)
    text += " of " + std::to_string(spec.groupSize);
  if (spec.granularity == Granularity::Block)
    text += " of " + std::to_string(spec.blockRows) + "x" + std::to_string(spec.blockColumns);
  if (traits(spec.format).isInteger())
    text += spec.symmetric ? ", symmetric" : ", asymmetric";
  if (spec.zeroPointFormat)
    text += ", " + std::string(traits(*spec.zeroPointFormat).name) + " zero points";
  if (spec.dynamic)
    text += ", dynamic";
  if (spec.scaleFormat)
    text += ", " + std::string(traits(*spec.scaleFormat).name) + " scales";
  return text;
}

std::string spell(const OperandSpec &spec) {
  std::string text(traits(spec.format).name);
  text += ":" + granularityName(spec.granularity).str();
  if (spec.granularity == Granularity::Group)
    text += "=" + std::to_string(spec.groupSize);
  if (spec.granularity == Granularity::Block)
    text += "=" + std::to_string(spec.blockRows) + "x" + std::to_string(spec.blockColumns);
  if (!spec.symmetric)
    text += ":asymmetric";
  if (spec.zeroPointFormat)
    text += ":zero=" + std::string(traits(*spec.zeroPointFormat).name);
  if (spec.dynamic)
    text += ":dynamic";
  if (spec.scaleFormat)
    text += ":scale=" + std::string(traits(*spec.scaleFormat).name);
  if (spec.doubleScales)
    text += ":double";
  return text;
}

/// One word after the format; false where it is none.
static bool readWord(StringRef key, StringRef value, OperandSpec &spec) {
  for (Granularity granularity :
       {Granularity::Tensor, Granularity::Channel, Granularity::Group, Granularity::Token, Granularity::Block})
    if (key == granularityName(granularity)) {
      spec.granularity = granularity;
      if (granularity == Granularity::Group)
        return !value.getAsInteger(10, spec.groupSize) && spec.groupSize > 0;
      auto [rows, columns] = value.split('x');
      if (granularity == Granularity::Block)
        return !rows.getAsInteger(10, spec.blockRows) && !columns.getAsInteger(10, spec.blockColumns) &&
               spec.blockRows > 0 && spec.blockColumns > 0;
      return value.empty();
    }
  if (key == "scale") {
    spec.scaleFormat = parseFormat(std::string_view(value));
    return spec.scaleFormat.has_value();
  }
  if (key == "zero") {
    spec.zeroPointFormat = parseFormat(std::string_view(value));
    return spec.zeroPointFormat == Format::F32;
  }
  spec.symmetric &= key != "asymmetric";
  spec.dynamic |= key == "dynamic";
  spec.doubleScales |= key == "double";
  return value.empty() && (key == "asymmetric" || key == "dynamic" || key == "double");
}

Expected<OperandSpec> parseOperandSpec(StringRef text) {
  OperandSpec spec;
  auto [name, rest] = text.split(':');
  std::optional<Format> format = parseFormat(std::string_view(name));
  if (!format)
    return makeError("'" + text + "' is no operand spec: there is no number format '" + name + "'");
  spec.format = *format;
  SmallVector<StringRef> words;
  rest.split(words, ':', -1, /*KeepEmpty=*/false);
  for (StringRef word : words) {
    auto [key, value] = word.split('=');
    if (!readWord(key, value, spec))
      return makeError("'" + text + "' is no operand spec: '" + word +
                       "' should be tensor, channel, token, group=N, block=RxC, asymmetric, zero=f32, dynamic, scale=FORMAT or double");
  }
  return spec;
}

} // namespace qopt
