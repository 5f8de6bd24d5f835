//===- Distillation.h - What teaches scales: a loss, and who reads it ---------===//
//
// Codes fixed, the scales of quantized weights are the parameters of a network that can be trained like any other, towards what the
// float model computes on calibration's samples (end-to-end training of quantization parameters: EfficientQAT, arXiv 2407.11062).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_DISTILLATION_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_DISTILLATION_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"

#include <cstdint>
#include <vector>

namespace qopt {

enum class OutputLoss {
  KL,  ///< of the distribution that the last dim of each output gives by softmax, from the float model's: mean over all rows
  MSE, ///< of each output's f32 elements, relative to the mean square of the float model's
};

/// The scales of one op's weight in @main: an f32 constant under integer codes.
struct TunableScales {
  mlir::Operation *weight = nullptr; ///< the qopt.dequantize
  std::vector<int64_t> shape;
};

/// Those of the ops in `names` (empty: of all ops), in program order. A weight whose scales are no such constant is noted in the module's
/// record (DISTILL-SKIPPED).
std::vector<TunableScales> tunableScales(mlir::ModuleOp quantized, const llvm::StringSet<> &names);

/// What training minimizes: @main takes the model's inputs, then a factor for each scale of `scales`, and gives the loss. `reference` is
/// the float model. Neither module is changed. Emits an error where the model has no f32 output.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> distillationLoss(mlir::ModuleOp reference, mlir::ModuleOp quantized,
                                                                    llvm::ArrayRef<TunableScales> scales, OutputLoss loss);

/// Multiplies the scales by factors in the same order, in place.
void multiplyScales(const TunableScales &scales, llvm::ArrayRef<float> factors);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_DISTILLATION_H
