// Rounds weights with error feedback (GPTQ), then by coordinate descent.
#include "RoundWeights.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Gptq.h"
#include "qopt/Numerics/Quantizers/InputErrors.h"
#include "qopt/Numerics/Quantizers/Rounding.h"

#include "llvm/Support/FormatVariadic.h"

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
    std::string why;
    auto input = inputs.of(op, sites, why);
    if (!input)
      return {{}, {}, "GPTQ-NO-STATS", "rounded to nearest: " + why};
    shrinkToDiagonal(input->hessian, weight.shape().cols, shrinkBy(settings.shrinkage, *input));
    if (!input->errors.empty())
      absorbErrors(op, weight, *input);
    auto scales = scalesOf(weight, spec, settings.clip, &*input);
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
    improve(weight, rounded, *input, options, result->dampening);
    record(op, weight, rounded, *input, *result);
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
  void improve(const WeightRows &weight, RoundedRows &rounded, const LinearInput &input, const GptqOptions &options,
               double dampening) const {
    auto descend = [&](int64_t sweeps) {
      if (sweeps > 0)
        refineRounding(weight.values(), rounded.values, weight.shape(), rounded.params, input.hessian,
                       {options.affine.range, options.groupSize, static_cast<int>(sweeps), dampening, false}, poolFor());
    };
    for (int64_t i = 0; i < settings.refits; ++i) {
      refitScales(weight.values(), rounded.values, weight.shape(), rounded.params, input.hessian, options.groupSize, dampening,
                  poolFor());
      descend(1);
    }
    descend(settings.sweeps);
  }

  void record(LinearLikeOpInterface op, const WeightRows &weight, const RoundedRows &rounded, const LinearInput &input,
              const GptqResult &result) {
    log.add(op, Outcome::Quantized, "GPTQ-DONE",
            llvm::formatv("{0:f1} dB on its calibration inputs{1}, dampening {2}", localSqnr(weight, rounded.values, input),
                          input.errors.empty() ? "" : " (whose errors it makes up for)", result.dampening).str());
    if (result.dampeningTries > 1)
      log.note(op, "GPTQ-DAMPENED",
           llvm::formatv("its Hessian needed {0} times the mean diagonal as dampening (attempt {1})", result.dampening,
                         result.dampeningTries).str());
    if (result.deadColumns > 0)
      log.note(op, "GPTQ-DEAD", llvm::Twine(result.deadColumns) + " input channels were zero in all samples: rounded to nearest");
    if (input.rows < static_cast<double>(weight.shape().cols))
      log.note(op, "GPTQ-RANK",
           llvm::Twine(static_cast<int64_t>(input.rows)) + " rows of calibration for " + llvm::Twine(weight.shape().cols) +
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
    auto targetList = readTargets(module, "qopt-gptq", weights, targets, biasCorrection);
    GPTQSettings settings;
    if (failed(targetList) || failed(readSettings(*targetList, settings)))
      return signalPassFailure();
    LinearInputs inputs(module, table);
    if (inputs.empty()) {
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
