//===- Reconstruction.h - A model in blocks, each a program that can be trained ===//
//
// Block-wise reconstruction (BRECQ, arXiv 2102.05426): the codes of a few neighbouring weights are trained together until what their block
// makes of the quantized model's activations is nearest what the float model has there.
//
// A block ends where all that later ops read of the ops before is one tensor: behind a residual addition, say, or a norm. What does not depend
// on the trained ops (masks, positions) is computed anew in each block that reads it.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_RECONSTRUCTION_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_RECONSTRUCTION_H

#include "qopt/Numerics/Quantizers/RoundingTraining.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

#include <string>
#include <vector>

namespace qopt {

/// Where a float program is cut: the ops with weights to train of one block, and the tensors that it ends with.
struct BlockOutline {
  std::vector<mlir::Operation *> ops;
  llvm::SmallVector<mlir::Value> outputs;
};

/// The blocks of a body in program order; each has an op of `trained` at least.
std::vector<BlockOutline> blockOutlines(mlir::Block &body, const llvm::DenseSet<mlir::Operation *> &trained);

/// A weight whose roundings can be trained: constant integers under constant f32 scales.
struct TrainableWeight {
  mlir::Operation *op = nullptr;     ///< the linear op, in the quantized program
  mlir::Operation *weight = nullptr; ///< its weight's qopt.dequantize
  mlir::ElementsAttr original;       ///< what was quantized
};

struct ReconstructionBlock {
  std::vector<TrainableWeight> weights;
  /// The same tensors in the float program and in the quantized one. No inputs: the block begins at the model's.
  llvm::SmallVector<mlir::Value> exactInputs, inputs, exactOutputs, outputs;
};

/// The blocks of @main in program order, those without a weight to train left out. `names` are the ops that are meant (empty: all). A weight that
/// cannot be trained is noted in the record of `quantized` (RECON-SKIPPED). Emits an error where the programs are not the same but for quantization.
mlir::FailureOr<std::vector<ReconstructionBlock>> reconstructionBlocks(mlir::ModuleOp reference, mlir::ModuleOp quantized,
                                                                       const llvm::StringSet<> &names);

/// A program of a block. Its @main takes the model's inputs, then what the function that makes it says, then `constants`: blocks that are alike
/// but for these have programs of the same text.
struct BlockProgram {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<mlir::ElementsAttr> constants;
};

/// Takes the block's inputs, gives its outputs, in float.
BlockProgram exactProgram(mlir::ModuleOp reference, const ReconstructionBlock &block);

/// Takes the block's inputs, the outputs that are wanted, and the weights' values. Gives the loss, the outputs, and the gradient of the loss by
/// each weight. The loss is the mean over rows (the last dim of tensors of rank 3 or less, else all dims but the first) of the squared error,
/// relative to the mean square of the row that is wanted. Emits an error at an op without a gradient.
mlir::FailureOr<BlockProgram> trainingProgram(mlir::ModuleOp quantized, const ReconstructionBlock &block);

/// The weight's codes as they are in the program.
CodesToTrain codesOf(const TrainableWeight &weight);
/// Puts others in their place, one byte each; `scales` empty: they stay.
void replaceCodes(const TrainableWeight &weight, llvm::ArrayRef<uint8_t> codes, llvm::ArrayRef<float> scales);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_RECONSTRUCTION_H
