#include "Distill.h"
#include "Models.h"
#include "Training.h"

#include "qopt/Analysis/Decisions.h"
#include "qopt/Codegen/CPU/Kernels/Passes.h"
#include "qopt/Dialect/NN/Transforms/Gradient.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"
#include "qopt/Dialect/Qopt/Transforms/Distillation.h"
#include "qopt/Numerics/Quantizers/Adam.h"
#include "qopt/Pipelines/ResourceScope.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/Progress.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <numeric>
#include <random>

using namespace llvm;
using namespace qopt;

namespace {

/// Everything but the program's own inputs: the tunables' values, with their moments.
class Parameters {
public:
  static Expected<Parameters> of(ArrayRef<Tunable> tunables) {
    Parameters parameters;
    for (const Tunable &one : tunables) {
      auto tensor = Tensor::allocate(DType::Float32, one.shape);
      if (!tensor)
        return tensor.takeError();
      llvm::fill(tensor->mutableValues<float>(), one.start());
      parameters.moments.emplace_back(static_cast<size_t>(tensor->numElements()));
      parameters.tensors.push_back(std::move(*tensor));
    }
    return parameters;
  }

  ArrayRef<Tensor> values() const { return tensors; }

  void step(ArrayRef<Tensor> gradients, double rate) {
    for (auto [tensor, gradient, moment] : llvm::zip(tensors, gradients, moments)) {
      MutableArrayRef<float> values = tensor.mutableValues<float>();
      ArrayRef<float> slope = gradient.values<float>();
      moment.step({values.data(), values.size()}, {slope.data(), slope.size()}, rate);
    }
  }

  std::vector<std::vector<float>> copy() const {
    std::vector<std::vector<float>> all;
    for (const Tensor &tensor : tensors)
      all.push_back(tensor.values<float>().vec());
    return all;
  }

private:
  std::vector<Tensor> tensors;
  std::vector<Adam> moments;
};

class Training {
public:
  Training(Executor &program, SampleSource &source, Parameters parameters, const DistillationOptions &options, Division division)
      : program(program), source(source), parameters(std::move(parameters)), options(options), batch(division.batch), taught(division.taught),
        samples(division.samples) {}

  Error run(Progress &progress) {
    int64_t batches = (taught + batch - 1) / batch, step = 0;
    progress.stage("training scales", options.epochs * (batches + 1) + 1);
    if (Error error = measure(progress))
      return error;
    before = least;
    std::vector<int64_t> order(batches);
    std::iota(order.begin(), order.end(), 0);
    std::mt19937_64 random(0);
    for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
      shuffle(order, random);
      for (int64_t index : order) {
        auto outputs = runOn(index * batch, std::min(taught, (index + 1) * batch));
        if (!outputs)
          return outputs.takeError();
        parameters.step(ArrayRef(*outputs).drop_front(), cosineRate(options.rate, step++, options.epochs * batches));
        progress.advance(1);
      }
      if (Error error = measure(progress))
        return error;
    }
    return Error::success();
  }

  double before = INFINITY, least = INFINITY;
  std::vector<std::vector<float>> best; ///< parameters of the least loss

private:
  Expected<SmallVector<Tensor>> runOn(int64_t begin, int64_t end) {
    auto inputs = source.read(begin, end);
    if (!inputs)
      return inputs.takeError();
    llvm::append_range(*inputs, parameters.values());
    return program.run(*inputs);
  }

  /// The mean loss over the samples that are held out.
  Error measure(Progress &progress) {
    double sum = 0;
    for (int64_t begin = taught; begin < samples; begin += batch) {
      int64_t end = std::min(samples, begin + batch);
      auto outputs = runOn(begin, end);
      if (!outputs)
        return outputs.takeError();
      sum += static_cast<double>(outputs->front().values<float>()[0]) * static_cast<double>(end - begin);
    }
    double loss = sum / static_cast<double>(samples - taught);
    if (loss < least)
      least = loss, best = parameters.copy();
    progress.advance(1);
    return Error::success();
  }

  Executor &program;
  SampleSource &source;
  Parameters parameters;
  const DistillationOptions &options;
  int64_t batch, taught, samples;
};

/// Weights that are constants now, decoded, and what gradients make of them, so that kernels find constants there.
Error foldWeights(mlir::ModuleOp step) {
  mlir::PassManager pm(step.getContext());
  pm.addNestedPass<mlir::func::FuncOp>(qcpu::createQCPUDecodeWeights());
  pm.addPass(createNNFoldConstants());
  return runPasses(pm, step);
}

/// A program that gives the loss, and its gradients by the parameters.
Expected<std::unique_ptr<Executor>> compileStep(mlir::ModuleOp reference, mlir::ModuleOp quantized, ArrayRef<Tunable> tunables, OutputLoss loss,
                                                int32_t threads) {
  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> step = mlir::failure();
  {
    DiagnosticSentence sentence(reference.getContext());
    step = distillationLoss(reference, quantized, tunables, loss);
    if (mlir::failed(step))
      return sentence.error();
    auto main = (*step)->lookupSymbol<mlir::func::FuncOp>("main");
    unsigned inputs = main.getNumArguments();
    auto parameters = llvm::to_vector(llvm::seq<unsigned>(inputs - static_cast<unsigned>(tunables.size()), inputs));
    if (mlir::failed(appendGradients(main, parameters)))
      return sentence.error();
  }
  if (Error error = foldWeights(**step))
    return std::move(error);
  return compileForHost(std::move(*step), threads);
}

struct Trained {
  double before, after; ///< losses on the samples held out
  std::vector<std::vector<float>> values;
};

Expected<Trained> train(mlir::ModuleOp reference, mlir::ModuleOp quantized, ArrayRef<Tunable> tunables, const DistillationOptions &options,
                        const SampleRequest &request, Progress &progress) {
  progress.stage("compiling the training step");
  ResourceScope constants(reference.getContext());
  auto program = compileStep(reference, quantized, tunables, options.loss, request.threads);
  if (!program)
    return program.takeError();
  ArrayRef<ValueSpec> inputs = (*program)->inputs().drop_back(tunables.size());
  auto source = openSamples(request.dataPath, inputs, request.maxLength);
  if (!source)
    return source.takeError();
  auto division = Division::of("distillation", **source, inputs, options.batch, request.samples);
  if (!division)
    return division.takeError();
  auto parameters = Parameters::of(tunables);
  if (!parameters)
    return parameters.takeError();
  Training training(**program, **source, std::move(*parameters), options, *division);
  if (Error error = training.run(progress))
    return std::move(error);
  return Trained{training.before, training.least, std::move(training.best)};
}

} // namespace

Error qopt::distill(mlir::ModuleOp reference, mlir::ModuleOp quantized, const StringSet<> &names, const DistillationOptions &options,
                    const SampleRequest &request, Progress &progress) {
  std::vector<Tunable> found = tunables(quantized, names, options.biases);
  DecisionLog log(quantized);
  auto say = [&](StringRef code, const Twine &text) { log.add(quantized, Outcome::Quantized, code, text); };
  if (found.empty())
    return say("DISTILL-NONE", "no weight has scales that could be trained"), Error::success();
  auto outcome = train(reference, quantized, found, options, request, progress);
  if (!outcome)
    return outcome.takeError();
  auto [before, after, values] = std::move(*outcome);
  if (!(after < before))
    return say("DISTILL-KEPT", formatv("no epoch had less loss on the samples held out than the {0:f4} before, so all stays as it was", before).str()),
           Error::success();
  for (auto [one, some] : llvm::zip(found, values))
    assign(one, some);
  auto biases = static_cast<size_t>(llvm::count_if(found, [](const Tunable &one) { return one.kind == Tunable::Bias; }));
  std::string what = formatv("scales of {0} weights", found.size() - biases).str();
  if (biases)
    what += formatv(" and {0} biases", biases).str();
  say("DISTILL-DONE", formatv("{0} trained: the loss on samples held out went from {1:f4} to {2:f4}", what, before, after).str());
  return Error::success();
}
