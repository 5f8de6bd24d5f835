#include "Planning.h"

#include "qopt/Interfaces/LinearLike.h"

using namespace qopt;

namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return b > 0 ? (a + b - 1) / b : a; }

/// How many scales a weight of `channels` output channels and `depth` inputs each gets.
int64_t scaleCount(const OperandSpec &spec, int64_t channels, int64_t depth) {
  switch (spec.granularity) {
  case Granularity::Tensor:
    return 1;
  case Granularity::Channel:
  case Granularity::Token:
    return channels;
  case Granularity::Group:
    return channels * ceilDiv(depth, spec.groupSize);
  case Granularity::Block:
    return ceilDiv(channels, spec.blockRows) * ceilDiv(depth, spec.blockColumns);
  }
  return channels;
}

} // namespace

int64_t qopt::quantizedBytes(LinearLikeOpInterface op, const OperandSpec &spec) {
  mlir::ShapedType type = constantWeight(op).getShapedType();
  int64_t elements = type.getNumElements(), channels = type.getDimSize(op.getWeightOutputAxis());
  int64_t scales = scaleCount(spec, channels, channels ? elements / channels : 0);
  int64_t bits = traits(spec.format).bits, scaleBits = spec.scaleFormat ? traits(*spec.scaleFormat).bits : 32;
  int64_t zeroBits = spec.zeroPointFormat ? traits(*spec.zeroPointFormat).bits : bits;
  return ceilDiv(elements * bits, 8) + ceilDiv(scales * scaleBits, 8) + (spec.symmetric ? 0 : ceilDiv(scales * zeroBits, 8));
}

