// Trains the weights of one block of a model: its program, run on the tensors at the block's border.
#pragma once
#include "Training.h"

#include "qopt/Dialect/Qopt/Transforms/Reconstruction.h"
#include "qopt/Execution/Executor.h"
#include "qopt/Recipe/Recipe.h"

#include <cmath>
#include <random>

namespace qopt {

class Progress;
using Tensors = llvm::SmallVector<Tensor>;

/// A block's program, ready to run, with what it takes behind the inputs that vary.
struct BlockStep {
  std::shared_ptr<Executor> program;
  Tensors constants;

  llvm::Expected<Tensors> run(Tensors inputs) const;
};

/// Some samples, and the tensors at the border of the block that is trained.
struct BorderBatch {
  int64_t begin, end;
  Tensors exact, own; ///< inputs of the block, by the float and by the quantized model; none before the first one
  Tensors wanted;     ///< outputs of the float model's block

  double samples() const { return static_cast<double>(end - begin); }
};

struct Border {
  SampleSource &source;
  std::vector<BorderBatch> batches;
  size_t taught = 0; ///< batches to train on; the others are held out
};

class BlockTraining {
public:
  BlockTraining(const BlockStep &step, Border &border, const ReconstructionOptions &options) : step(step), border(border), options(options) {}

  llvm::Error take(const TrainableWeight &weight);
  /// Leaves the weights in the state of least loss on the samples held out.
  llvm::Error run(Progress &progress);
  /// What the block makes of all batches becomes the next one's inputs.
  llvm::Error passOn();

  llvm::ArrayRef<RoundingTraining> trained() const { return weights; }
  double before = INFINITY, least = INFINITY; ///< losses on the samples held out

private:
  llvm::Expected<Tensors> runOn(const BorderBatch &batch);
  llvm::Error advance(int64_t done);
  llvm::Error measure();
  void keep();
  int64_t nextBatch();
  void refresh();

  const BlockStep &step;
  Border &border;
  const ReconstructionOptions &options;
  std::vector<RoundingTraining> weights;
  Tensors tensors; ///< what the weights stand for
  std::vector<RoundingTraining::State> best;
  std::vector<int64_t> order;
  std::mt19937_64 random{0};
};

} // namespace qopt
