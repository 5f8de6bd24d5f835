// Rounds weights with error feedback (GPTQ), then by coordinate descent.
#include "RoundWeights.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Gptq.h"
#include "qopt/Numerics/Quantizers/InputErrors.h"
#include "qopt/Numerics/Quantizers/Rounding.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <type_traits>

namespace qopt {
#define GEN_PASS_DEF_GPTQPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

struct GPTQSettings {
  GptqOptions options;
  ClipRule clip;
  double shrinkage;
  int64_t refits, sweeps;
};

/// How far a Hessian of that many rows is shrunk towards its diagonal: with K columns, `shrinkage` times K / rows.
double shrinkBy(double shrinkage, const LinearInput &input) {
  return std::min(0.5, shrinkage * static_cast<double>(input.meanAbs.size()) / std::max(input.rows, 1.0));
}

class Quantizer {
public:
  Quantizer(const RoundingTargets &targets, const GPTQSettings &settings, const LinearInputs &inputs, DecisionLog &log)
      : spec(targets.spec), settings(settings), inputs(inputs), log(log) {}

  RoundedRows operator()(LinearLikeOpInterface op, WeightRows weight, const Sites &sites) {
    if (op.getChannelGroups() > 1)
      return byGroups(op, weight, sites);
    std::string why;
    auto input = inputs.of(op, sites, why);
    if (!input)
      return {{}, {}, "GPTQ-NO-STATS", "rounded to nearest: " + why};
    shrinkToDiagonal(input->hessian, weight.shape().cols, shrinkBy(settings.shrinkage, *input));
    bool isInteger = traits(spec.format).isInteger();
    std::optional<WeightRows> own; // Scales of other formats are those of the weight itself.
    if (!isInteger)
      own = weight;
    if (!input->errors.empty())
      absorbErrors(op, weight, *input);
    if (!isInteger)
      return toFormat(op, *own, weight, *input);
    auto scales = scalesOf(weight.values(), weight.shape(), spec, settings.clip, &*input);
    if (!scales)
      return {{}, {}, "QUANT-WEIGHT", "its weight holds a value that is not finite: " + scales.error()};

    GptqOptions options = settings.options;
    options.affine = affineOptions(spec);
    options.groupSize = columnsPerScale(spec);
    // Without an order, groups take their scales when their turn comes, as the paper has it.
    bool ahead = settings.clip != ClipRule::Max || options.actOrder != ActOrder::None || spec.granularity == Granularity::Tensor;
    options.fixed = ahead ? &*scales : nullptr;
    RoundedRows rounded{{weight.values().begin(), weight.values().end()}, {}, {}, {}};
    std::vector<double> work = input->hessian;
    auto result = gptq(rounded.values, weight.shape(), work, options, poolFor());
    if (!result)
      return {{}, {}, "GPTQ-FAILED", "rounded to nearest: " + result.error()};
    rounded.params = std::move(result->params);
    improve(weight.values(), weight.shape(), rounded.values, rounded.params, *input, options, result->dampening);
    record(op, localSqnr(weight.values(), weight.shape(), rounded.values, *input), *input, weight.shape().cols, *result);
    return shrunk(std::move(rounded), spec);
  }

private:
  /// What the op should compute is its product with the float model's input: weights that come closest to it with this one.
  void absorbErrors(LinearLikeOpInterface op, WeightRows &weight, const LinearInput &input) {
    std::vector<float> before(weight.values().begin(), weight.values().end());
    Status status =
        absorbInputErrors(weight.values(), weight.shape(), input.hessian, input.errors, settings.options.dampening, poolFor());
    if (status)
      return;
    std::copy(before.begin(), before.end(), weight.values().begin());
    log.note(op, "GPTQ-INPUTS", "does not make up for the errors of its inputs: " + status.error());
  }

  /// Scales and codes in turn, then codes alone; the error falls with each.
  void improve(std::span<const float> weight, RowShape shape, std::span<float> values, GridParams &params, const LinearInput &input,
               const GptqOptions &options, double dampening) const {
    auto descend = [&](int64_t sweeps) {
      if (sweeps > 0)
        refineRounding(weight, values, shape, params, input.hessian,
                       {options.affine.range, options.groupSize, static_cast<int>(sweeps), dampening, false}, poolFor());
    };
    for (int64_t i = 0; i < settings.refits; ++i) {
      refitScales(weight, values, shape, params, input.hessian, options.groupSize, dampening,
                  options.affine.fractionalZero ? Refit::ScalesAndZeros : Refit::Scales, poolFor());
      descend(1);
    }
    descend(settings.sweeps);
  }

  /// Float and table formats: scales stay those of rounding to nearest.
  RoundedRows toFormat(LinearLikeOpInterface op, const WeightRows &own, const WeightRows &weight, const LinearInput &input) {
    WeightEncoder encoder(own, spec);
    if (!encoder.error().empty())
      return {{}, {}, "QUANT-WEIGHT", encoder.error()};
    GridParams scales{encoder.rowScales(), {}};
    GptqOptions options = settings.options;
    options.format = spec.format;
    options.groupSize = encoder.columnsPerScale();
    options.fixed = &scales;
    RoundedRows rounded{{weight.values().begin(), weight.values().end()}, {}, {}, {}};
    std::vector<double> work = input.hessian;
    auto result = gptq(rounded.values, weight.shape(), work, options, poolFor());
    if (!result)
      return {{}, {}, "GPTQ-FAILED", "rounded to nearest: " + result.error()};
    record(op, localSqnr(weight.values(), weight.shape(), rounded.values, input), input, weight.shape().cols, *result);
    rounded.encoded = encoder.encode(rounded.values);
    return rounded;
  }

  /// Scales of a grouped convolution's rows, ahead of their codes: [N, groups of columns]. Clips go by each group's own inputs.
  Result<GridParams> groupedScales(const WeightRows &weight, std::span<const LinearInput> parts) const {
    RowShape shape = weight.shape(), part{shape.rows / static_cast<int64_t>(parts.size()), shape.cols};
    if (spec.granularity == Granularity::Tensor)
      return scalesOf(weight.values(), shape, spec, settings.clip, nullptr);
    GridParams all;
    for (auto [index, input] : llvm::enumerate(parts)) {
      auto scales = scalesOf(weight.values().subspan(index * part.rows * part.cols, part.rows * part.cols), part, spec, settings.clip, &input);
      if (!scales)
        return scales;
      llvm::append_range(all.scales, scales->scales);
      llvm::append_range(all.zeroPoints, scales->zeroPoints);
    }
    return all;
  }

  /// Each group's rows by the Hessian of the channels that they read.
  RoundedRows byGroups(LinearLikeOpInterface op, const WeightRows &weight, const Sites &sites) {
    std::string why;
    std::vector<LinearInput> parts = inputs.ofGroups(op, sites, why);
    if (parts.empty())
      return {{}, {}, "GPTQ-NO-STATS", "rounded to nearest: " + why};
    for (LinearInput &part : parts)
      shrinkToDiagonal(part.hessian, weight.shape().cols, shrinkBy(settings.shrinkage, part));
    bool isInteger = traits(spec.format).isInteger();
    std::optional<WeightEncoder> encoder;
    if (!isInteger && !encoder.emplace(weight, spec).error().empty())
      return {{}, {}, "QUANT-WEIGHT", encoder->error()};
    auto scales = isInteger ? groupedScales(weight, parts) : Result<GridParams>(GridParams{encoder->rowScales(), {}});
    if (!scales)
      return {{}, {}, "QUANT-WEIGHT", "its weight holds a value that is not finite: " + scales.error()};
    RoundedRows rounded{{weight.values().begin(), weight.values().end()}, std::move(*scales), {}, {}};
    std::string failed = roundGroups(op, weight, parts, isInteger ? columnsPerScale(spec) : encoder->columnsPerScale(), rounded);
    if (!failed.empty())
      return {{}, {}, "GPTQ-FAILED", "rounded to nearest: " + failed};
    if (encoder)
      rounded.encoded = encoder->encode(rounded.values);
    return isInteger ? shrunk(std::move(rounded), spec) : std::move(rounded);
  }

  /// Rounds under the scales that `rounded` has; returns what went wrong. The record tells of all groups together.
  std::string roundGroups(LinearLikeOpInterface op, const WeightRows &weight, std::span<const LinearInput> parts, int64_t perScale,
                          RoundedRows &rounded) {
    RowShape shape = weight.shape(), part{shape.rows / static_cast<int64_t>(parts.size()), shape.cols};
    size_t elements = part.rows * part.cols, boxes = rounded.params.scales.size() / parts.size();
    double signal = 0, noise = 0;
    GptqResult all;
    std::vector<float> nothing(elements, 0.0f);
    for (auto [index, input] : llvm::enumerate(parts)) {
      auto slice = [&](auto &from) { return from.empty() ? from : std::decay_t<decltype(from)>(from.begin() + index * boxes, from.begin() + (index + 1) * boxes); };
      GridParams own{slice(rounded.params.scales), slice(rounded.params.zeroPoints)};
      GptqOptions options = settings.options;
      options.affine = traits(spec.format).isInteger() ? affineOptions(spec) : options.affine;
      options.format = traits(spec.format).isInteger() ? std::nullopt : std::optional(spec.format);
      options.groupSize = perScale;
      options.fixed = &own;
      std::span<float> values = std::span(rounded.values).subspan(index * elements, elements);
      std::span<const float> before = weight.values().subspan(index * elements, elements);
      std::vector<double> work = input.hessian;
      auto result = gptq(values, part, work, options);
      if (!result)
        return result.error();
      if (!options.format) {
        improve(before, part, values, own, input, options, result->dampening);
        std::copy(own.scales.begin(), own.scales.end(), rounded.params.scales.begin() + index * boxes);
        std::copy(own.zeroPoints.begin(), own.zeroPoints.end(), rounded.params.zeroPoints.begin() + index * boxes);
      }
      signal += hessianError(before, nothing, part, input.hessian);
      noise += hessianError(before, values, part, input.hessian);
      all.dampening = std::max(all.dampening, result->dampening);
      all.dampeningTries = std::max(all.dampeningTries, result->dampeningTries);
      all.deadColumns += result->deadColumns;
    }
    record(op, 10 * std::log10(signal / noise), parts.front(), shape.cols, all);
    return {};
  }

  /// What became of an op; `sqnr` on its calibration inputs, which are `columns` wide.
  void record(LinearLikeOpInterface op, double sqnr, const LinearInput &input, int64_t columns, const GptqResult &result) {
    log.add(op, Outcome::Quantized, "GPTQ-DONE",
            llvm::formatv("{0:f1} dB on its calibration inputs{1}, dampening {2}", sqnr,
                          input.errors.empty() ? "" : " (whose errors it makes up for)", result.dampening).str());
    if (result.dampeningTries > 1)
      log.note(op, "GPTQ-DAMPENED",
           llvm::formatv("its Hessian needed {0} times the mean diagonal as dampening (attempt {1})", result.dampening,
                         result.dampeningTries).str());
    if (result.deadColumns > 0)
      log.note(op, "GPTQ-DEAD", llvm::Twine(result.deadColumns) + " input channels were zero in all samples: rounded to nearest");
    if (input.rows < static_cast<double>(columns))
      log.note(op, "GPTQ-RANK",
           llvm::Twine(static_cast<int64_t>(input.rows)) + " rows of calibration for " + llvm::Twine(columns) +
               " input channels: the Hessian has not full rank; use more samples");
  }

  const OperandSpec &spec;
  const GPTQSettings &settings;
  const LinearInputs &inputs;
  DecisionLog &log;
};

struct GPTQ : qopt::impl::GPTQPassBase<GPTQ> {
  GPTQ() = default;
  using GPTQPassBase::GPTQPassBase;
  GPTQ(GPTQPassOptions options, std::shared_ptr<const InputTable> table, std::shared_ptr<RoundingJournal> journal)
      : GPTQPassBase(std::move(options)), table(std::move(table)), journal(std::move(journal)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto targetList = readTargets(module, "qopt-gptq", weights, targets, biasCorrection, Formats::All);
    GPTQSettings settings;
    if (failed(targetList) || failed(readSettings(*targetList, settings)))
      return signalPassFailure();
    if (!traits(targetList->spec.format).isInteger() && (settings.clip != ClipRule::Max || settings.refits > 0 || settings.sweeps > 0)) {
      module.emitError("qopt-gptq: weights: ") << describe(targetList->spec) << " keeps the scales of its greatest values: clip, "
                                               << "refits and sweeps are for integers";
      return signalPassFailure();
    }
    LinearInputs inputs(module, table);
    if (inputs.missing()) {
      module.emitError("qopt-gptq: there are no Gram matrices of the linears' inputs (attribute qopt.inputs); calibrate the model first");
      return signalPassFailure();
    }
    DecisionLog log(module);
    Quantizer round(*targetList, settings, inputs, log);
    if (failed(roundWeights(module, *targetList, log, round, journal.get())))
      signalPassFailure();
  }

  LogicalResult readSettings(const RoundingTargets &targets, GPTQSettings &settings) {
    auto refuse = [&](llvm::StringRef option, const llvm::Twine &value, llvm::StringRef choices) -> LogicalResult {
      return getOperation().emitError("qopt-gptq: ") << option << " is " << value << "; it must be " << choices;
    };
    if (order != "none" && order != "static")
      return refuse("order", "'" + order + "'", "none or static (dynamic groups would scatter a group's columns)");
    if (blockSize < 1)
      return refuse("block-size", llvm::Twine(blockSize.getValue()), "at least 1");
    if (!(dampening > 0 && dampening <= 1))
      return refuse("dampening", std::to_string(dampening), "more than 0 and at most 1");
    if (!(shrinkage >= 0))
      return refuse("shrinkage", std::to_string(shrinkage), "at least 0");
    if (refits > 0 && targets.spec.granularity == Granularity::Tensor)
      return refuse("refits", llvm::Twine(refits.getValue()), "0 with one scale per tensor: scales are fitted by rows");
    auto rule = parseClipRule(clip);
    if (!rule)
      return refuse("clip", "'" + clip + "'", kClipRules);
    settings.clip = *rule;
    settings.shrinkage = shrinkage;
    settings.refits = refits;
    settings.sweeps = sweeps;
    settings.options.actOrder = order == "static" ? ActOrder::Static : ActOrder::None;
    settings.options.blockSize = blockSize;
    settings.options.dampening = dampening;
    return LogicalResult::success();
  }

  std::shared_ptr<const InputTable> table;
  std::shared_ptr<RoundingJournal> journal;
};

} // namespace

std::unique_ptr<Pass> qopt::createGPTQPass(GPTQPassOptions options, std::shared_ptr<const InputTable> inputs,
                                           std::shared_ptr<RoundingJournal> journal) {
  return std::make_unique<GPTQ>(std::move(options), std::move(inputs), std::move(journal));
}
