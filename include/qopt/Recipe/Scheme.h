// Schemes: which number formats weights and activations get, and at what granularity.
#pragma once
#include "qopt/Support/Error.h"
#include "qopt/TargetInfo/OperandSpec.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <string>

namespace qopt {

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
