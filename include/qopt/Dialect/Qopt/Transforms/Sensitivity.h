//===- Sensitivity.h - What a format costs each linear op ---------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_SENSITIVITY_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_SENSITIVITY_H

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/TargetInfo/OperandSpec.h"

#include <optional>
#include <set>
#include <vector>

namespace qopt {

/// Formats that an op's operands may get. Weights: integers per tensor, channel or group. Activations: none, or static 8-bit
/// integers per tensor.
struct OperandPair {
  OperandSpec weights;
  std::optional<OperandSpec> activations;
};

/// One op under each pair of formats: noise power at its output over the signal's, on its calibration inputs.
///
///   noise = tr((W - Q) H (W - Q)^T) + rows s^2 / 12 |Q|^2,  signal = tr(W H W^T),  H = sum over `rows` of x x^T
///
/// with Q the weights rounded to nearest and s the step of the activation's range. Where there is no H (grouped convolutions) it
/// is taken as the identity, which `whiteInput` tells.
struct Sensitivity {
  std::string site;
  std::vector<double> noise;
  bool whiteInput = false;
  std::string why; ///< set where the op cannot take one of the formats: a clause
};

/// The ops of these names, in program order. `inputs` null: the module attribute `qopt.inputs`. Ranges come from `qopt.ranges`.
std::vector<Sensitivity> measureSensitivities(mlir::ModuleOp module, llvm::ArrayRef<OperandPair> pairs,
                                              const std::set<std::string> &names, std::shared_ptr<const InputTable> inputs);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_SENSITIVITY_H
