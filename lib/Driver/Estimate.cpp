#include "Estimate.h"
#include "ActivationSizes.h"
#include "Contents.h"
#include "Outputs.h"
#include "StagePasses.h"

#include "qopt/Analysis/Columns.h"
#include "qopt/Analysis/Sites.h"
#include "qopt/Calibration/SampleSource.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/Transforms/Reconstruction.h"
#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Support/Progress.h"
#include "qopt/Support/Timer.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qopt {
namespace {

// Measured: bench/memory/README.md.
constexpr int64_t kCompile = 40'000'000;     ///< code generation, whatever the model: pages of its own code, the heap that it keeps
constexpr int64_t kCompilePerOp = 400'000;   ///< and for each op that is lowered
constexpr int64_t kCompilePerSite = 1'600'000; ///< for each product or convolution that is differentiated
constexpr int64_t kHistogram = 36'000;       ///< statistics of a site
constexpr int64_t kChannel = 96;             ///< and of each of its channels
constexpr double kTrainedWeight = 48;        ///< values, moments and copies of a weight whose rounding is trained
constexpr double kWayBack = 2.25;            ///< tensors of a step for each of the block
constexpr int64_t kTrainingPrograms = 2;
// Rates of one core of 2020's servers, in operations a second: of the order of magnitude, no more.
constexpr double kProductRate = 4e10, kGramRate = 1.5e10, kFactorRate = 1e10, kRoundRate = 1e10, kCompileSeconds = 0.004;
constexpr double kReadRate = 1e9;

constexpr int64_t kTile = 96, kRowsAtOnce = 2048; // Numerics/Stats/GramStats

int64_t gramBytes(int64_t columns) {
  int64_t side = (columns + kTile - 1) / kTile;
  return side * (side + 1) / 2 * kTile * kTile * 16;
}

/// One product or convolution.
struct SiteCost {
  mlir::Operation *op = nullptr;
  std::string name, key; ///< key: of the Gram matrix of its input, which several may share; empty for none
  int64_t elements = 0, columns = 0, rows = 0; ///< of the weight; `rows` that its input has in a run
  bool chosen = false;   ///< its codes are chosen by its inputs
  bool quantized = false;
  bool shared = false;   ///< another op reads the same weight
  bool scaled = false;   ///< factors of its channels go into the weight before it is quantized
  int64_t quantizedBytes = 0;

  int64_t floats() const { return 4 * elements; }
  /// One byte a code, whatever the format, and the scales.
  int64_t codes() const { return quantized ? std::max(elements, quantizedBytes) + elements / 32 : 0; }
};

class Estimator {
public:
  Estimator(mlir::ModuleOp module, const WorkToEstimate &work) : module(module), w(work), activations(activationSizes(module, work.inputShapes)) {
    module.walk([&](mlir::Operation *op) { ops += !op->hasTrait<mlir::OpTrait::ConstantLike>(); });
    readSites();
    read = peakResidentBytes();
    base = residentBytes();
  }

  Estimate run() {
    add("reading the model", read, static_cast<double>(floatBytes()) / kReadRate);
    if (w.samples > 0)
      calibrate();
    else
      quantizeOnly();
    if (w.samples > 0) {
      probe();
      train();
    }
    if (w.samples > 0 && w.noiseSamples > 0)
      add("measuring noise", base + 2 * compileBytes() + floatBytes() + 2 * codesOf(sites) +
              std::max(3 * activations.peak, largest([](const SiteCost &s) { return 2 * s.floats(); })),
          2 * compileSeconds() + 2 * runSeconds(w.noiseSamples));
    write();
    return std::move(result);
  }

private:
  void readSites() {
    std::vector<mlir::Operation *> linears;
    recipeSites(module, &linears);
    DenseSet<mlir::Attribute> seen;
    std::map<mlir::Operation *, Sites> sitesOf;
    for (auto [op, plan] : zip(linears, w.plans)) {
      auto linear = cast<LinearLikeOpInterface>(op);
      SiteCost &site = sites.emplace_back();
      site.op = op;
      site.name = nameOf(op);
      mlir::ElementsAttr weight = constantWeight(linear);
      site.elements = weight.getShapedType().getNumElements();
      site.shared = !seen.insert(weight).second;
      site.rows = activations.rowsOf(op);
      site.quantized = plan.scheme && plan.scheme->weights && linear.getWeightOutputAxis() >= 0;
      if (site.quantized)
        site.quantizedBytes = quantizedBytes(linear, *plan.scheme->weights);
      site.columns = columnCount(op);
      site.chosen = site.columns <= w.recipe->calibration.maxColumns && roundsByInputs(*w.recipe, plan);
      site.scaled = (w.samples > 0 || w.readsStatistics) && any_of(plan.stages, [&](unsigned s) { return scalesChannels(w.recipe->stages[s].options); });
      std::string why;
      auto func = op->getParentOfType<mlir::func::FuncOp>();
      if (auto columns = site.chosen ? inputColumns(linear, sitesOf.try_emplace(func, func).first->second, why) : std::nullopt)
        site.key = columns->key();
    }
  }

  void add(std::string name, int64_t bytes, double seconds) { result.phases.push_back({std::move(name), bytes, seconds}); }

  static int64_t codesOf(ArrayRef<SiteCost> some) {
    int64_t bytes = 0;
    for (const SiteCost &site : some)
      bytes += site.codes();
    return bytes;
  }

  /// Packed for the float program.
  int64_t floatBytes() const {
    int64_t bytes = 0;
    for (const SiteCost &site : sites)
      bytes += site.floats();
    return bytes;
  }

  /// Weights that took factors, of their inputs and of their outputs: each time new ones, and the context keeps both.
  int64_t scaledBytes() const {
    int64_t bytes = 0;
    for (const SiteCost &site : sites)
      bytes += site.scaled ? 2 * site.floats() : 0;
    return bytes;
  }

  int64_t largest(function_ref<int64_t(const SiteCost &)> of) const {
    int64_t most = 0;
    for (const SiteCost &site : sites)
      most = std::max(most, of(site));
    return most;
  }

  /// A weight while its codes are chosen: its rows before and after, codes; and with an input the Hessian twice and the factor.
  static int64_t roundingBytes(const SiteCost &site, bool byInputs) {
    int64_t square = site.columns * site.columns;
    return site.quantized ? 11 * site.elements + (byInputs && !site.key.empty() ? 18 * square : 0) : 0;
  }

  /// The Gram matrices of some sites, each input once.
  static int64_t gramsOf(ArrayRef<SiteCost> some) {
    std::map<std::string, int64_t> columns;
    for (const SiteCost &site : some)
      if (!site.key.empty())
        columns[site.key] = site.columns;
    int64_t bytes = 0;
    for (const auto &[key, count] : columns)
      bytes += gramBytes(count);
    return bytes;
  }

  static int64_t widest(ArrayRef<SiteCost> some) {
    int64_t most = 0;
    for (const SiteCost &site : some)
      if (!site.key.empty())
        most = std::max(most, site.columns * std::min(site.rows, kRowsAtOnce) * 8);
    return most;
  }

  int64_t compileBytes() const { return kCompile + kCompilePerOp * ops; }
  double compileSeconds() const { return kCompileSeconds * static_cast<double>(ops) + static_cast<double>(floatBytes()) / kReadRate; }
  int64_t statisticsBytes() const { return kHistogram * activations.tensors + kChannel * activations.channels; }

  double runSeconds(int64_t samples) const {
    double operations = 0;
    for (const SiteCost &site : sites)
      operations += 2.0 * static_cast<double>(site.elements) * static_cast<double>(site.rows);
    return operations / kProductRate * static_cast<double>(samples) / static_cast<double>(std::max<int64_t>(w.batch, 1));
  }

  double gramSeconds(ArrayRef<SiteCost> some) const {
    std::map<std::string, double> operations;
    for (const SiteCost &site : some)
      if (!site.key.empty())
        operations[site.key] = static_cast<double>(site.columns) * static_cast<double>(site.columns) * static_cast<double>(site.rows);
    double sum = 0;
    for (const auto &[key, count] : operations)
      sum += count;
    return sum / kGramRate * static_cast<double>(w.samples) / static_cast<double>(std::max<int64_t>(w.batch, 1));
  }

  static double roundSeconds(ArrayRef<SiteCost> some) {
    double seconds = 0;
    for (const SiteCost &site : some)
      if (!site.key.empty()) {
        auto columns = static_cast<double>(site.columns);
        seconds += columns * columns * columns / 3 / kFactorRate + static_cast<double>(site.elements) * columns / kRoundRate;
      }
    return seconds;
  }

  /// The first calibration, then round after round.
  void calibrate() {
    std::vector<SiteCost> targets;
    for (const SiteCost &site : sites)
      if (site.quantized)
        targets.push_back(site);
    int64_t count = static_cast<int64_t>(targets.size()), rounds = std::max<int64_t>(w.recipe->calibration.rounds, 1);
    for (int64_t round = 0; round < rounds; ++round) {
      ArrayRef<SiteCost> all = targets, part = all.slice(count * round / rounds, count * (round + 1) / rounds - count * round / rounds),
                         before = all.take_front(count * round / rounds);
      int64_t codes = codesOf(before), grams = gramsOf(part), stays = base + statisticsBytes(), scaled = scaledBytes();
      int64_t program = floatBytes(), saved = 0;
      for (const SiteCost &site : before)
        saved += site.floats() - site.codes();
      std::string of = rounds > 1 ? formatv(" (part {0} of {1})", round + 1, rounds).str() : "";
      add("calibrating" + of, stays + (round ? scaled : 0) + compileBytes() + codes + program - saved + activations.peak + grams + widest(part),
          compileSeconds() + runSeconds(w.samples) + gramSeconds(part));
      int64_t most = 0;
      for (const SiteCost &site : part)
        most = std::max(most, roundingBytes(site, true));
      add("quantizing" + of, stays + scaled + codes + codesOf(part) + grams + most, roundSeconds(part) + static_cast<double>(floatBytes()) / kReadRate);
      if (round == 0 && w.keepsWork)
        result.workBytes = grams / 2 + statisticsBytes();
    }
    if (w.keepsWork)
      result.workBytes += codesOf(targets);
  }

  void train() {
    for (auto [index, stage] : enumerate(w.recipe->stages))
      if (const auto *end = std::get_if<DistillationOptions>(&stage.options))
        distill(*end);
      else if (const auto *blocks = std::get_if<ReconstructionOptions>(&stage.options))
        reconstruct(*blocks, static_cast<unsigned>(index));
  }

  /// A training step's samples.
  int64_t samplesOf(int64_t batch) const { return std::min(batchFor(contentsOf(module).inputs, batch), w.samples); }
  /// The same as a share of a run's.
  double shareOf(int64_t batch) const { return static_cast<double>(samplesOf(batch)) / static_cast<double>(std::max<int64_t>(w.batch, 1)); }

  /// A CNN's tensors shrink on the way: the blocks that the way back frees first are too small for what it makes at its end, and the heap
  /// holds up to twice what is alive (Runtime/Memory).
  double heapShare() const { return any_of(sites, [](const SiteCost &s) { return isa<nn::ConvOp, nn::ConvTransposeOp>(s.op); }) ? 2 : 1; }

  /// Both programs, packed; the quantized one's weights as floats until the way back has used them, as all tensors of a batch are.
  void distill(const DistillationOptions &options) {
    double batch = shareOf(options.batch);
    double tensors = 1.25 * heapShare() * batch * static_cast<double>(activations.total + activations.peak); // a quarter for the way back
    int64_t turned = 0; // Weights that stay in float are packed once more, transposed.
    for (const SiteCost &site : sites)
      turned += site.quantized ? 0 : site.floats();
    int64_t wayBack = kCompilePerSite * static_cast<int64_t>(sites.size());
    double steps = static_cast<double>(options.epochs * w.samples) / static_cast<double>(std::max<int64_t>(samplesOf(options.batch), 1));
    add("training scales", base + scaledBytes() + compileBytes() + wayBack + 2 * floatBytes() + turned + 2 * codesOf(sites) + static_cast<int64_t>(tensors),
        4 * compileSeconds() + 5 * batch * steps * runSeconds(w.batch));
  }

  /// Codes as they were and as they are trained; all samples at one block's border, twice; what each of its weights is trained with; the tensors of a batch, forwards and back.
  void reconstruct(const ReconstructionOptions &options, unsigned stage) {
    DenseMap<mlir::Operation *, int64_t> elements;
    DenseSet<mlir::Operation *> trained;
    for (auto [site, plan] : zip(sites, w.plans))
      if (site.quantized && is_contained(plan.stages, stage) && trained.insert(site.op).second)
        elements[site.op] = site.elements;
    auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    mlir::Block &body = main.front();
    auto samples = static_cast<double>(w.samples) / static_cast<double>(std::max<int64_t>(w.batch, 1));
    double before = 0, most = 0;
    auto at = body.begin();
    for (const BlockOutline &block : blockOutlines(body, trained)) {
      double weights = 0, tensors = 0, border = 0;
      for (mlir::Operation *op : block.ops)
        weights += static_cast<double>(elements[op]);
      for (mlir::Value output : block.outputs) {
        border += static_cast<double>(activations.bytes.lookup(output));
        for (; at != body.end() && !output.getDefiningOp()->isBeforeInBlock(&*at); ++at)
          for (mlir::Value result : at->getResults())
            tensors += static_cast<double>(activations.bytes.lookup(result));
      }
      most = std::max(most, 2 * samples * std::max(before, border) + kTrainedWeight * weights + kWayBack * shareOf(options.batch) * tensors);
      before = border;
    }
    add("training roundings", base + scaledBytes() + kTrainingPrograms * compileBytes() + 2 * codesOf(sites) + static_cast<int64_t>(most),
        4 * compileSeconds() + 5 * shareOf(options.batch) * static_cast<double>(options.steps) * runSeconds(w.batch));
  }

  /// What mixed precision runs beside the statistics: one sample at a time, forward and back, weights packed once more for the way back.
  void probe() {
    for (const Stage &stage : w.recipe->stages) {
      const auto *options = std::get_if<MixedPrecisionOptions>(&stage.options);
      if (!options)
        continue;
      double batch = static_cast<double>(std::max<int64_t>(w.batch, 1));
      auto tensors = static_cast<int64_t>(1.25 * static_cast<double>(activations.total + activations.peak) / batch);
      add("probing the outputs", base + statisticsBytes() + gramsOf(sites) + scaledBytes() + compileBytes() + 2 * floatBytes() + tensors +
              largest([](const SiteCost &s) { return s.floats(); }),
          2 * compileSeconds() + 3 * runSeconds(std::min(options->samples, w.samples)));
    }
  }

  /// By statistics that are there, or by the weights alone.
  void quantizeOnly() {
    bool byInputs = w.readsStatistics;
    add("quantizing", base + scaledBytes() + codesOf(sites) + (byInputs ? gramsOf(sites) : 0) + largest([&](const SiteCost &s) { return roundingBytes(s, byInputs); }),
        static_cast<double>(floatBytes()) / kReadRate + (byInputs ? roundSeconds(sites) : 0));
  }

  void write() {
    int64_t before = totalBytes(sizesOf(module)), after = before;
    int64_t kept = before; // in float, read from mapped pages
    for (const SiteCost &site : sites)
      if (site.quantized && !site.shared)
        after += site.quantizedBytes - site.floats(), kept -= site.floats();
    int64_t codes = codesOf(sites);
    StringRef out = w.output;
    if (out.empty())
      return;
    bool code = isCode(out);
    result.outputBytes = out.ends_with(".onnx") ? after : codes + kept;
    int64_t bytes = base + scaledBytes() + codes + (code ? 2 * (codes + kept) + compileBytes() : kept);
    add("writing", bytes, (code ? compileSeconds() : 0) + static_cast<double>(result.outputBytes) / kReadRate);
  }

  mlir::ModuleOp module;
  const WorkToEstimate &w;
  ActivationSizes activations;
  std::vector<SiteCost> sites;
  int64_t ops = 0, read = 0, base = 0; ///< `read`: the most that reading the model took
  Estimate result;
};

} // namespace

int64_t Estimate::peakBytes() const {
  int64_t most = 0;
  for (const PhaseEstimate &phase : phases)
    most = std::max(most, phase.bytes);
  return most;
}

double Estimate::seconds() const {
  double sum = 0;
  for (const PhaseEstimate &phase : phases)
    sum += phase.seconds;
  return sum;
}

Estimate estimate(mlir::ModuleOp module, const WorkToEstimate &work) { return Estimator(module, work).run(); }

void print(raw_ostream &os, const Estimate &estimate) {
  for (const PhaseEstimate &phase : estimate.phases)
    os << formatv("  {0,-36} {1,10}  about {2}\n", phase.name, formatBytes(phase.bytes), formatSeconds(phase.seconds));
  os << "peak memory: about " << formatBytes(estimate.peakBytes()) << "; time on one core: of the order of "
     << formatSeconds(estimate.seconds());
  if (estimate.outputBytes)
    os << "; output: about " << formatBytes(estimate.outputBytes);
  if (estimate.workBytes)
    os << "; work folder: up to " << formatBytes(estimate.workBytes);
  os << '\n';
}

json::Object toJson(const Estimate &estimate) {
  json::Array phases;
  for (const PhaseEstimate &phase : estimate.phases)
    phases.push_back(json::Object{{"name", phase.name}, {"bytes", phase.bytes}, {"seconds", phase.seconds}});
  return json::Object{{"peak_bytes", estimate.peakBytes()},
                      {"output_bytes", estimate.outputBytes},
                      {"work_bytes", estimate.workBytes},
                      {"seconds", estimate.seconds()},
                      {"phases", std::move(phases)}};
}

} // namespace qopt
