// How one operand of an op is quantized: what schemes are made of, and what targets are asked about.
#pragma once
#include "qopt/Numerics/Formats/Format.h"
#include "qopt/Support/Error.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace qopt {

enum class Granularity {
  Tensor,  ///< one scale
  Channel, ///< a scale for each output channel of a weight
  Group,   ///< a scale for each `groupSize` elements along the input channels; the last group may be partial
  Token,   ///< a scale for each row of an activation
  Block,   ///< a scale for each blockRows x blockColumns tile of a weight
};

llvm::StringRef granularityName(Granularity granularity);

struct OperandSpec {
  Format format = Format::Int8;
  Granularity granularity = Granularity::Tensor;
  int64_t groupSize = 0;                   ///< Group only
  int64_t blockRows = 0, blockColumns = 0; ///< Block only
  bool symmetric = true;
  /// What zero points of weights are stored as: the codes' own type when empty, or float32, which need not be whole.
  std::optional<Format> zeroPointFormat;
  /// Activations: the scale is computed from the values at run time, not calibrated.
  bool dynamic = false;
  /// What the scales themselves are stored as; float32 when empty.
  std::optional<Format> scaleFormat;
  /// Scales in two levels (QLoRA: 8-bit scales of 256 under one float32; NVFP4: E4M3 scales under one float32).
  bool doubleScales = false;

  friend bool operator==(const OperandSpec &, const OperandSpec &) = default;
};

/// "int4 per group of 128, symmetric".
std::string describe(const OperandSpec &spec);

/// The spec as one word, for options of passes: the format, then what is not the default, separated by colons.
///
///   int8:channel   int4:group=128   uint4:group=128:asymmetric   f8e4m3fn:token:dynamic   f8e4m3fn:block=128x128
///   f4e2m1fn:group=16:scale=f8e4m3fn:double   uint4:group=32:asymmetric:zero=f32
std::string spell(const OperandSpec &spec);
/// The inverse of `spell`. Errors: an unknown format or word, a size that is no positive number.
llvm::Expected<OperandSpec> parseOperandSpec(llvm::StringRef text);

} // namespace qopt
