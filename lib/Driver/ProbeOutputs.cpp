#include "ProbeOutputs.h"
#include "Models.h"

#include "qopt/Calibration/SampleSource.h"
#include "qopt/Pipelines/ResourceScope.h"
#include "qopt/Pipelines/Run.h"
#include "qopt/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <numeric>
#include <random>

using namespace llvm;
using namespace qopt;

namespace {

/// What is seen of the sites in one run after the other.
class Collector {
public:
  Collector(std::vector<ProbedSite> &sites, size_t formats, bool backwards) : sites(sites), views(1 + formats), backwards(backwards) {}

  void observe(int32_t index, const qopt_tensor &value) {
    size_t position = static_cast<size_t>(index) / views, view = static_cast<size_t>(index) % views;
    if (index < 0 || position >= sites.size() || value.dtype != QOPT_FLOAT32)
      return;
    int64_t count = std::accumulate(value.shape, value.shape + value.rank, int64_t(1), std::multiplies<>());
    std::span<const float> values(static_cast<const float *>(value.data), static_cast<size_t>(count));
    ProbedSite &site = sites[position];
    if (view == 0 && backwards)
      finite &= site.weight.add(values);
    else if (view == 0)
      add(site.signal, values[0]);
    else
      add(site.activations[view - 1].emplace(site.activations[view - 1].value_or(0)), values[0]);
  }

  /// Sums of runs, to means.
  void divide(double by) {
    for (ProbedSite &site : sites) {
      site.signal /= by;
      for (auto &one : site.activations)
        if (one)
          *one /= by;
    }
  }

  bool finite = true;

private:
  void add(double &sum, float value) {
    finite &= std::isfinite(value);
    sum += static_cast<double>(value);
  }

  std::vector<ProbedSite> &sites;
  size_t views;
  bool backwards;
};

/// The signs of each output's vector, times what makes outputs and runs comparable.
class Signs {
public:
  Signs(unsigned outputs, OutputLoss loss) : loss(loss), squares(outputs), signal(outputs), counts(outputs) {}

  /// For outputs of these dims; `energies`: the sums of their squares in a run, of which the first one says how large outputs are.
  Error prepare(ArrayRef<SmallVector<int64_t>> dims, ArrayRef<double> energies) {
    for (size_t k = 0; k < dims.size(); ++k)
      if (double count = product(dims[k]); squares[k] == 0 && count > 0)
        squares[k] = energies[k] / count;
    vectors.clear();
    for (size_t k = 0; k < dims.size(); ++k) {
      auto vector = Tensor::allocate(DType::Float32, {static_cast<int64_t>(product(dims[k]))});
      if (!vector)
        return vector.takeError();
      vectors.push_back(std::move(*vector));
    }
    return Error::success();
  }

  /// Draws new signs.
  void draw(ArrayRef<SmallVector<int64_t>> dims) {
    for (size_t k = 0; k < dims.size(); ++k) {
      float size = static_cast<float>(sizeOf(k, dims[k]));
      uint64_t bits = 0;
      int left = 0;
      for (float &value : vectors[k].mutableValues<float>()) {
        if (left-- == 0)
          bits = random(), left = 63;
        value = bits & 1 ? size : -size;
        bits >>= 1;
      }
    }
  }

  void count(ArrayRef<SmallVector<int64_t>> dims, ArrayRef<double> energies) {
    for (size_t k = 0; k < dims.size(); ++k)
      signal[k] += energies[k], counts[k] += product(dims[k]);
  }

  /// By what figures are too small, as outputs turned out larger than in the first run.
  double scale() const {
    if (loss == OutputLoss::KL)
      return 1;
    double mean = 0;
    for (size_t k = 0; k < squares.size(); ++k)
      mean += squares[k] > 0 ? signal[k] / counts[k] / squares[k] : 1;
    return mean > 0 ? static_cast<double>(squares.size()) / mean : 1;
  }

  ArrayRef<Tensor> tensors() const { return vectors; }
  static double product(ArrayRef<int64_t> dims) {
    return static_cast<double>(std::accumulate(dims.begin(), dims.end(), int64_t(1), std::multiplies<>()));
  }

private:
  double sizeOf(size_t k, ArrayRef<int64_t> dims) const {
    if (loss == OutputLoss::KL)
      return std::sqrt(static_cast<double>(std::max<int64_t>(dims.back(), 1)) / 2 / std::max(product(dims), 1.0));
    double all = static_cast<double>(squares.size()) * squares[k] * product(dims);
    return all > 0 ? 1 / std::sqrt(all) : 0;
  }

  OutputLoss loss;
  std::vector<double> squares; ///< mean square of each output's elements, in the first run
  std::vector<double> signal, counts;
  std::vector<Tensor> vectors;
  std::mt19937_64 random{0};
};

class Pass {
public:
  Pass(Executor &program, SampleSource &source, Collector &collector, unsigned outputs, OutputLoss loss)
      : program(program), source(source), collector(collector), outputs(outputs), signs(outputs, loss) {}

  Error run(SampleRuns runs, Progress &progress) {
    for (int64_t begin = 0; begin < runs.total; begin += runs.step) {
      auto inputs = source.read(begin, std::min(begin + runs.step, runs.total));
      if (!inputs)
        return inputs.takeError();
      if (Error error = outputs ? probe(*inputs) : runOn(*inputs, {}).takeError())
        return error;
      progress.advance(runs.step);
    }
    collector.divide(std::ceil(static_cast<double>(runs.total) / static_cast<double>(runs.step)));
    return Error::success();
  }

  double scale() const { return signs.scale(); }

private:
  struct Seen {
    std::vector<SmallVector<int64_t>> dims;
    std::vector<double> energies;
  };

  /// How long the outputs are is known when the program has run on inputs of these shapes once.
  Error probe(ArrayRef<Tensor> inputs) {
    std::vector<int64_t> shapes;
    for (const Tensor &input : inputs)
      llvm::append_range(shapes, input.shape());
    if (shapes != last) {
      auto first = look(inputs);
      if (!first)
        return first.takeError();
      last = std::move(shapes), dims = std::move(first->dims);
      if (Error error = signs.prepare(dims, first->energies))
        return error;
    }
    signs.draw(dims);
    program.setObserver([&](int32_t index, const qopt_tensor &value) { collector.observe(index, value); });
    auto seen = runOn(inputs, signs.tensors());
    if (!seen)
      return seen.takeError();
    if (seen->dims != dims)
      return makeError("outputs have other sizes on other values of the same inputs, so that errors cannot be followed to them");
    signs.count(dims, seen->energies);
    return Error::success();
  }

  Expected<Seen> look(ArrayRef<Tensor> inputs) {
    program.setObserver(nullptr);
    SmallVector<Tensor> none;
    for (unsigned k = 0; k < outputs; ++k) {
      auto sign = Tensor::allocate(DType::Float32, {1});
      if (!sign)
        return sign.takeError();
      sign->mutableValues<float>()[0] = 0;
      none.push_back(std::move(*sign));
    }
    return runOn(inputs, none);
  }

  Expected<Seen> runOn(ArrayRef<Tensor> inputs, ArrayRef<Tensor> vectors) {
    SmallVector<Tensor> all(inputs);
    llvm::append_range(all, vectors);
    if (vectors.empty())
      program.setObserver([&](int32_t index, const qopt_tensor &value) { collector.observe(index, value); });
    auto results = program.run(all);
    if (!results)
      return results.takeError();
    Seen seen;
    for (unsigned k = 0; k < outputs; ++k) {
      seen.dims.emplace_back((*results)[1 + 2 * k].values<int64_t>());
      seen.energies.push_back((*results)[2 + 2 * k].values<float>()[0]);
    }
    return seen;
  }

  Executor &program;
  SampleSource &source;
  Collector &collector;
  unsigned outputs;
  Signs signs;
  std::vector<int64_t> last; ///< shapes of the inputs that the outputs have these dims for
  std::vector<SmallVector<int64_t>> dims;
};

/// One way of looking. A clause in `whyNot` where the model does not let itself be looked at so.
Expected<OutputProbes> lookAt(mlir::ModuleOp module, const StringSet<> &names, ArrayRef<OperandSpec> formats, OutputLoss loss, bool backwards,
                              const SampleRequest &request, Progress &progress, std::string &whyNot) {
  progress.stage("compiling the probes");
  ResourceScope constants(module.getContext());
  ProbeProgram made;
  {
    DiagnosticSentence sentence(module.getContext());
    made = probeProgram(module, names, formats, loss, backwards);
    if (!made.module) {
      whyNot = toString(sentence.error());
      return OutputProbes();
    }
  }
  auto program = compileForHost(std::move(made.module), request.threads);
  if (!program)
    return program.takeError();
  auto source = openSamples(request.dataPath, (*program)->inputs().drop_back(made.outputs), request.maxLength);
  if (!source)
    return source.takeError();
  SampleRuns runs = samplesToRun(**source, (*program)->inputs().drop_back(made.outputs), request.samples < 0 ? (*source)->size() : request.samples, 1);
  Collector collector(made.sites, formats.size(), backwards);
  Pass pass(**program, **source, collector, made.outputs, loss);
  progress.stage("probing the outputs", runs.total);
  if (Error error = pass.run(runs, progress))
    return std::move(error);
  if (!collector.finite)
    whyNot = "a gradient on the samples is not finite";
  return OutputProbes{formats.vec(), backwards, backwards ? pass.scale() : 1, std::move(made.sites)};
}

} // namespace

Expected<ProbedModel> qopt::probeOutputs(mlir::ModuleOp module, const StringSet<> &names, ArrayRef<OperandSpec> formats, OutputLoss loss,
                                         const SampleRequest &request, Progress &progress) {
  ProbedModel result;
  auto probes = lookAt(module, names, formats, loss, true, request, progress, result.whyLocal);
  if (!probes)
    return probes.takeError();
  if (!result.whyLocal.empty()) {
    std::string why;
    probes = formats.empty() ? Expected<OutputProbes>(OutputProbes{{}, false, 1, {}})
                             : lookAt(module, names, formats, loss, false, request, progress, why);
    if (!probes)
      return probes.takeError();
    if (!why.empty())
      return makeError(why);
  }
  result.probes = std::move(*probes);
  return result;
}
