#include "qopt/TargetInfo/OperandSpec.h"

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
  if (spec.dynamic)
    text += ", dynamic";
  if (spec.scaleFormat)
    text += ", " + std::string(traits(*spec.scaleFormat).name) + " scales";
  return text;
}

} // namespace qopt
