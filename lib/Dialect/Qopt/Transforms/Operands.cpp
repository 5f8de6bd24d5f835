#include "qopt/Dialect/Qopt/Transforms/Operands.h"

#include "qopt/Numerics/Formats/BlockScaled.h"

using namespace qopt;

/// Scales that are codes themselves: which formats go with which.
static std::string whyNotScales(const OperandSpec &spec) {
  const FormatTraits &format = traits(spec.format);
  if (!spec.scaleFormat) {
    bool isTable = format.kind == FormatKind::Table;
    return spec.doubleScales && !isTable ? "scales in two levels are for nf4, or for f4e2m1fn with f8e4m3fn scales" : "";
  }
  if (!format.isFloat())
    return "scales in " + std::string(traits(*spec.scaleFormat).name) + " go with floating-point formats";
  if (spec.granularity != Granularity::Group)
    return "scales in " + std::string(traits(*spec.scaleFormat).name) + " are for groups";
  if (spec.scaleFormat == Format::F8E8M0FNU)
    return spec.doubleScales ? "scales that are powers of two have one level" : "";
  bool isNvfp4 = spec.scaleFormat == Format::F8E4M3FN && spec.format == Format::F4E2M1FN && spec.doubleScales &&
                 spec.groupSize == nvfp4Block;
  return isNvfp4 ? "" : "scales in 8-bit floats are for f4e2m1fn in groups of 16 in two levels (NVFP4)";
}

std::string qopt::whyNotWeights(const OperandSpec &spec) {
  const FormatTraits &format = traits(spec.format);
  if (format.bits > 8)
    return "weights of more than 8 bits stay as they are";
  if (spec.dynamic || spec.granularity == Granularity::Token)
    return "weights have scales per tensor, channel, group or block";
  if (format.isInteger() && spec.granularity == Granularity::Block)
    return "integer weights have scales per tensor, channel or group";
  if (format.kind == FormatKind::Table && spec.granularity != Granularity::Group)
    return "nf4 weights have scales per group";
  return whyNotScales(spec);
}

std::string qopt::whyNotActivations(const OperandSpec &spec) {
  const FormatTraits &format = traits(spec.format);
  if (format.kind == FormatKind::Table)
    return "activations are integers or floats";
  if (format.bits > 8)
    return "activations of more than 8 bits stay as they are";
  if (spec.dynamic && !spec.symmetric)
    return "scales at run time are symmetric";
  if (!spec.dynamic && spec.granularity != Granularity::Tensor)
    return "static scales are per tensor";
  if (spec.granularity == Granularity::Channel || spec.granularity == Granularity::Block)
    return "activations have scales per tensor, token or group";
  return whyNotScales(spec);
}
