// What calibration knows of a linear op's input, where a pass needs it. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LINEARINPUTS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LINEARINPUTS_H

#include "qopt/Analysis/Sites.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Numerics/Stats/InputStats.h"
#include "qopt/Numerics/Support/Parallel.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <optional>

namespace qopt {

/// One op's input: H = sum of x x^T over `rows` rows of K columns, as the op reads them now.
struct LinearInput {
  std::vector<double> hessian;
  std::vector<double> errors; ///< sum of (x_f - x) x^T, x_f the float model's input; empty where x is that
  std::vector<float> meanAbs; ///< by column
  double rows = 0;

  std::vector<double> diagonal() const;
};

/// Finds inputs in the table that calibration filled or, for tests and embedders, in the module attribute `qopt.inputs`
/// (`{key = {gram = tensor<KxKxf64>, mean_abs = tensor<Kxf32>, rows = n : i64}}`, and `errors = tensor<KxKxf64>`). Inputs whose channels a pass
/// has multiplied since stand in `qopt.scaled_inputs` (`{site = {of = "site", by = tensor<Kxf32>}}`, `of` itself where no new site was
/// made); their matrices are scaled alike.
class LinearInputs {
public:
  LinearInputs(mlir::ModuleOp module, std::shared_ptr<const InputTable> table) : module(module), table(std::move(table)) {}

  /// Whether nobody has calibrated; a table may be there and hold nothing, where all inputs are too wide.
  bool missing() const;
  /// Empty, with a clause in `why`, where calibration has nothing of this input.
  std::optional<LinearInput> of(LinearLikeOpInterface op, const Sites &sites, std::string &why) const;

  /// The same for each group of a grouped convolution; one for any other op. Empty where `of` would be.
  std::vector<LinearInput> ofGroups(LinearLikeOpInterface op, const Sites &sites, std::string &why) const;

private:
  bool has(llvm::StringRef key) const;
  std::optional<LinearInput> find(llvm::StringRef key) const;

  mlir::ModuleOp module;
  std::shared_ptr<const InputTable> table;
};

/// Records that `site` is now `of` with channel c multiplied by factors[c]; `of` is `site` where that itself is multiplied.
void recordScaledInput(mlir::ModuleOp module, llvm::StringRef site, llvm::StringRef of, llvm::ArrayRef<float> factors);

/// The process's threads, for Numerics.
ParallelFor poolFor();

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LINEARINPUTS_H
