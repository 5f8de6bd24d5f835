//===- Sensitivity.h - What a format costs each linear op ---------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_SENSITIVITY_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_SENSITIVITY_H

#include "qopt/Dialect/Qopt/Transforms/OutputProbes.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/TargetInfo/OperandSpec.h"

#include <optional>
#include <set>
#include <vector>

namespace qopt {

/// Formats that an op's operands may get: any that qopt-insert-qdq can make.
struct OperandPair {
  OperandSpec weights;
  std::optional<OperandSpec> activations;
};

/// One op under each pair of formats: what rounding its operands to nearest does to the model's outputs, as OutputProbes.h measures it. Rounding of
/// the weight counts by the mean squares of its gradient, sum E[G_nk^2] (W - Q)_nk^2, that of the activation as it was on the samples.
///
/// Without probes of the outputs it is the noise power at the op's own output over its signal's:
///
///   tr((W - Q) H (W - Q)^T) / tr(W H W^T),  H = sum over `rows` of x x^T
///
/// and that of its activation. Where there is no H (grouped convolutions) it is taken as the identity, which `whiteInput` tells.
struct Sensitivity {
  std::string site;
  std::vector<double> noise;
  bool whiteInput = false;
  std::string why; ///< set where the op cannot take one of the formats: a clause
};

/// The ops of these names, in program order. `inputs` null: the module attribute `qopt.inputs`. Without probes only static integers of
/// activations can be weighed: as rows s^2 / 12 |Q|^2 with s the step of the range in `qopt.ranges`.
std::vector<Sensitivity> measureSensitivities(mlir::ModuleOp module, llvm::ArrayRef<OperandPair> pairs, const std::set<std::string> &names,
                                              std::shared_ptr<const InputTable> inputs, const OutputProbes *probes);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_SENSITIVITY_H
