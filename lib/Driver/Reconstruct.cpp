#include "Reconstruct.h"
#include "BlockTraining.h"
#include "Models.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Pipelines/ResourceScope.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/Progress.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/Support/FormatVariadic.h"

#include <map>

using namespace llvm;
using namespace qopt;

namespace {

/// Compiles programs; those of the same text once.
class Compiler {
public:
  explicit Compiler(int32_t threads) : threads(threads) {}

  Expected<BlockStep> operator()(BlockProgram block) {
    std::string text;
    raw_string_ostream(text) << *block.module;
    BlockStep step;
    for (mlir::ElementsAttr constant : block.constants) {
      auto tensor = nn::tensorOf(constant);
      if (!tensor)
        return tensor.takeError();
      step.constants.push_back(std::move(*tensor));
    }
    auto known = programs.find(text);
    if (known == programs.end()) {
      auto program = compileForHost(std::move(block.module), threads);
      if (!program)
        return program.takeError();
      if (programs.size() == kKept)
        programs.clear();
      known = programs.emplace(std::move(text), std::move(*program)).first;
    }
    step.program = known->second;
    return step;
  }

private:
  /// As many as the blocks of one layer need.
  static constexpr size_t kKept = 8;

  int32_t threads;
  std::map<std::string, std::shared_ptr<Executor>> programs;
};

/// What training has made of a block.
struct TrainedBlock {
  double before, after; ///< losses on the samples held out
  int64_t changed = 0, count = 0; ///< codes
  std::vector<std::vector<uint8_t>> codes; ///< of its weights
  std::vector<std::vector<float>> scales;

  explicit TrainedBlock(const BlockTraining &training) : before(training.before), after(training.least) {
    for (const RoundingTraining &weight : training.trained()) {
      changed += weight.changedCodes();
      std::vector<float> numbers = weight.codes();
      count += static_cast<int64_t>(numbers.size());
      codes.push_back(std::vector<uint8_t>(numbers.size()));
      transform(numbers, codes.back().begin(), [](float code) { return static_cast<uint8_t>(static_cast<int>(code)); });
      scales.push_back(weight.scales());
    }
  }

  bool isBetter() const { return after < before; }
};

class Reconstruction {
public:
  Reconstruction(mlir::ModuleOp reference, mlir::ModuleOp quantized, const ReconstructionOptions &options, const SampleRequest &request)
      : reference(reference), quantized(quantized), options(options), request(request), compile(request.threads) {}

  Expected<std::vector<TrainedBlock>> run(ArrayRef<ReconstructionBlock> blocks, Progress &progress) {
    std::vector<TrainedBlock> all;
    for (const ReconstructionBlock &block : blocks) {
      progress.stage(formatv("training roundings (block {0} of {1})", all.size() + 1, blocks.size()).str(), options.steps);
      auto trained = train(block, &block == &blocks.back(), progress);
      if (!trained)
        return trained.takeError();
      all.push_back(std::move(*trained));
    }
    return all;
  }

private:
  Expected<TrainedBlock> train(const ReconstructionBlock &block, bool isLast, Progress &progress) {
    if (Error error = runExact(block))
      return std::move(error);
    auto step = compileTraining(block);
    if (!step)
      return step.takeError();
    BlockTraining training(*step, *border, options);
    for (const TrainableWeight &weight : block.weights)
      if (Error error = training.take(weight))
        return std::move(error);
    if (Error error = training.run(progress))
      return std::move(error);
    if (Error error = isLast ? Error::success() : training.passOn())
      return std::move(error);
    return TrainedBlock(training);
  }

  /// The float model's block on all samples.
  Error runExact(const ReconstructionBlock &block) {
    auto exact = compile(exactProgram(reference, block));
    if (!exact)
      return exact.takeError();
    if (Error error = border ? Error::success() : open(*exact->program))
      return error;
    for (BorderBatch &batch : border->batches) {
      auto inputs = source->read(batch.begin, batch.end);
      if (!inputs)
        return inputs.takeError();
      append_range(*inputs, std::exchange(batch.exact, {}));
      if (Error error = exact->run(std::move(*inputs)).moveInto(batch.wanted))
        return error;
    }
    return Error::success();
  }

  Expected<BlockStep> compileTraining(const ReconstructionBlock &block) {
    mlir::FailureOr<BlockProgram> program = mlir::failure();
    {
      DiagnosticSentence sentence(quantized.getContext());
      program = trainingProgram(quantized, block);
      if (mlir::failed(program))
        return sentence.error();
    }
    return compile(std::move(*program));
  }

  Error open(const Executor &program) {
    ArrayRef<ValueSpec> inputs = program.inputs().take_front(quantized.lookupSymbol<mlir::func::FuncOp>("main").getNumArguments());
    if (Error error = openSamples(request.dataPath, inputs, request.maxLength).moveInto(source))
      return error;
    auto division = Division::of("reconstruction", *source, inputs, options.batch, request.samples);
    if (!division)
      return division.takeError();
    border.emplace(Border{*source, {}});
    auto divide = [&](int64_t begin, int64_t end) {
      for (; begin < end; begin += division->batch)
        border->batches.push_back({begin, std::min(end, begin + division->batch), {}, {}, {}});
    };
    divide(0, division->taught);
    border->taught = border->batches.size();
    divide(division->taught, division->samples);
    return Error::success();
  }

  mlir::ModuleOp reference, quantized;
  const ReconstructionOptions &options;
  const SampleRequest &request;
  Compiler compile;
  std::unique_ptr<SampleSource> source;
  std::optional<Border> border;
};

void note(DecisionLog &log, const ReconstructionBlock &block, const TrainedBlock &result) {
  mlir::Operation *last = block.weights.back().op;
  if (result.isBetter())
    log.add(last, Outcome::Quantized, "RECON-DONE",
            formatv("roundings of {0} weights trained: {1} of {2} codes moved, the block's error on samples held out went from {3:e2} to {4:e2}",
                    block.weights.size(), result.changed, result.count, result.before, result.after).str());
  else
    log.add(last, Outcome::Quantized, "RECON-KEPT",
            formatv("training did not bring the block's error on samples held out below the {0:e2} before", result.before).str());
}

} // namespace

Error qopt::reconstruct(mlir::ModuleOp reference, mlir::ModuleOp quantized, const StringSet<> &names, const ReconstructionOptions &options,
                        const SampleRequest &request, Progress &progress) {
  mlir::FailureOr<std::vector<ReconstructionBlock>> blocks = mlir::failure();
  {
    DiagnosticSentence sentence(quantized.getContext());
    blocks = reconstructionBlocks(reference, quantized, names);
    if (mlir::failed(blocks))
      return sentence.error();
  }
  std::vector<TrainedBlock> trained;
  {
    ResourceScope constants(quantized.getContext());
    if (Error error = Reconstruction(reference, quantized, options, request).run(*blocks, progress).moveInto(trained))
      return error;
  }
  DecisionLog log(quantized);
  if (blocks->empty())
    log.add(quantized, Outcome::Quantized, "RECON-NONE", "no weight has codes that could be trained");
  for (auto [block, result] : zip(*blocks, trained)) {
    note(log, block, result);
    if (!result.isBetter())
      continue;
    for (auto [weight, codes, scales] : zip(block.weights, result.codes, result.scales))
      replaceCodes(weight, codes, options.scales ? scales : std::vector<float>());
  }
  return Error::success();
}
