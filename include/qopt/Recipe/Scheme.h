// Schemes: which number formats weights and activations get, and at what granularity.
#pragma once
#include "qopt/Numerics/Formats/Format.h"
#include "qopt/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
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

/// How one operand is quantized.
struct OperandSpec {
  Format format = Format::Int8;
  Granularity granularity = Granularity::Tensor;
  int64_t groupSize = 0;                   ///< Group only
  int64_t blockRows = 0, blockColumns = 0; ///< Block only
  bool symmetric = true;
  /// Activations: the scale is computed from the values at run time, not calibrated.
  bool dynamic = false;
  /// What the scales themselves are stored as; float32 when empty.
  std::optional<Format> scaleFormat;
  /// Scales in two levels (QLoRA: 8-bit scales of 256 under one float32; NVFP4: E4M3 scales under one float32).
  bool doubleScales = false;

  friend bool operator==(const OperandSpec &, const OperandSpec &) = default;
};

/// "int4 group 128, symmetric".
std::string describe(const OperandSpec &spec);

struct Scheme {
  std::string name;
  std::string description;
  std::optional<OperandSpec> weights;
  std::optional<OperandSpec> activations;

  /// Static activation ranges: the scheme cannot do without calibration data.
  bool needsCalibration() const { return activations && !activations->dynamic; }
  bool isWeightOnly() const { return !activations; }
};

/// The schemes that ship with qopt, in the order of `qopt schemes`: the contents of recipes/.
llvm::ArrayRef<Scheme> shippedSchemes();
/// Null when there is none of that name.
const Scheme *findShippedScheme(llvm::StringRef name);
/// The recipe file that ships for a scheme, as text; empty when there is none.
llvm::StringRef shippedRecipeText(llvm::StringRef scheme);

} // namespace qopt
