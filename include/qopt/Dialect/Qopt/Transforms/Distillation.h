//===- Distillation.h - What can be taught: parameters, and a loss ------------===//
//
// Codes fixed, the scales of quantized weights and the biases behind them are the parameters of a network that can be trained like any
// other, towards what the float model computes on calibration's samples (end-to-end training of quantization parameters: EfficientQAT,
// arXiv 2407.11062).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_DISTILLATION_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_DISTILLATION_H

#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Numerics/Stats/OutputLoss.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"

#include <cstdint>
#include <vector>

namespace qopt {

/// Numbers of one op in @main that training may change.
struct Tunable {
  enum Kind {
    Scales, ///< factors on an f32 constant under integer codes, which start at one
    Bias,   ///< what is added to an f32 constant of one value per output, which the op or an addition behind it adds; zero at the start
  };
  Kind kind = Scales;
  LinearLikeOpInterface op;
  std::vector<int64_t> shape;
  float unit = 1; ///< of a bias: its root mean square at the start

  float start() const { return kind == Scales ? 1 : 0; }
};

/// Those of the ops in `names` (empty: of all ops), in program order; biases where wanted. A weight whose scales are no such constant is
/// noted in the module's record (DISTILL-SKIPPED); its bias stays too.
std::vector<Tunable> tunables(mlir::ModuleOp quantized, const llvm::StringSet<> &names, bool biases);

/// What training minimizes: @main takes the model's inputs, then values of `tunables`, and gives the loss. `reference` is the float model.
/// Neither program is changed; outputs that cannot be compared are noted in the record of `quantized` (DISTILL-OUTPUT). Emits an error
/// where none can.
///
/// Factors on the scales of output channels stand behind the product or convolution, whose weight then is a constant: that is the same
/// in exact arithmetic, and spares its gradient.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> distillationLoss(mlir::ModuleOp reference, mlir::ModuleOp quantized,
                                                                    llvm::ArrayRef<Tunable> tunables, OutputLoss loss);

/// Puts the numbers that these values stand for into the program.
void assign(const Tunable &tunable, llvm::ArrayRef<float> values);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_DISTILLATION_H
