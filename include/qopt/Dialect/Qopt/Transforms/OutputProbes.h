//===- OutputProbes.h - A program that shows what each op does to the outputs ---===//
//
// For an error d at a value, the change of the outputs z is J d to first order. With random signs v, g = J^T v is one walk back from the
// outputs, and E[(g d)^2] = |J d|^2 (Hutchinson's estimator of the Gauss-Newton form: HAWQ-V2, arXiv 1911.03852; FIT, arXiv 2210.08502).
// Outputs are compared by z = y for noise; for divergence by z = 2 sqrt(softmax(y)), in which lengths are those of the Fisher metric, so that
// |J d|^2 / 2 is KL(p, p + dp) to second order.
//
// The program walks back once and shows, at each op that is asked for, the gradient of its weight, and what the rounding errors of its
// activation add up to under each format, rounded by the very ops that qopt-insert-qdq would put there.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_OUTPUTPROBES_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_OUTPUTPROBES_H

#include "qopt/Dialect/Qopt/Transforms/Distillation.h"
#include "qopt/Numerics/Stats/FactoredSquares.h"
#include "qopt/TargetInfo/OperandSpec.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"

#include <optional>
#include <vector>

namespace qopt {

/// One op of the program, and what runs showed of it: means over the samples.
struct ProbedSite {
  std::string name;
  FactoredSquares weight; ///< of the gradient of its weight
  double signal = 0;      ///< without a walk back, in its place: the square of its result's length
  /// By position among the formats: what rounding its activation so does to the outputs, or to its result; nothing where it cannot be.
  std::vector<std::optional<double>> activations;
};

struct OutputProbes {
  std::vector<OperandSpec> formats; ///< of activations
  bool backwards = true;
  double scale = 1; ///< of all figures
  std::vector<ProbedSite> sites;

  const ProbedSite *find(llvm::StringRef name) const;
};

struct ProbeProgram {
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< null where it cannot be made
  std::vector<ProbedSite> sites;            ///< nothing shown yet
  unsigned outputs = 0;                     ///< how many are probed
};

/// The ops in `names`, as far as they have weights. Observed under index position * (1 + formats) are the gradient of the op's weight or, without a walk
/// back, the square of its result's length; under the next ones, for each format that it can have, the square of what its activation's rounding does.
///
/// With a walk back @main takes, behind the model's inputs, a vector of signs for each output that is probed (as many as its elements, or fewer:
/// the rest count as zeros), and gives what they sum up to, then the dims of each output and the sum of its squares. All f32 outputs are probed; by KL
/// those of one dim or more. Without one it is the model itself.
///
/// Emits an error where there is no output to probe, an op is not in @main's own block, or has no gradient on its way to the outputs.
ProbeProgram probeProgram(mlir::ModuleOp module, const llvm::StringSet<> &names, llvm::ArrayRef<OperandSpec> formats, OutputLoss loss,
                          bool backwards);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_OUTPUTPROBES_H
