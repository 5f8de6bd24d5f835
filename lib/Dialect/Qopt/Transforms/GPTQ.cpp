// Rounds weights with error feedback (GPTQ), then by coordinate descent.
#include "RoundWeights.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Gptq.h"
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
  int64_t sweeps;
};

class Quantizer {
public:
  Quantizer(const RoundingTargets &targets, const GPTQSettings &settings, const LinearInputs &inputs, DecisionLog &log)
      : spec(targets.spec), settings(settings), inputs(inputs), log(log) {}

  RoundedRows operator()(LinearLikeOpInterface op, const WeightRows &weight, const Sites &sites) {
    std::string why;
    auto input = inputs.of(op, sites, why);
    if (!input)
      return {{}, {}, "GPTQ-NO-STATS", "rounded to nearest: " + why};
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
    if (settings.sweeps > 0)
      refineRounding(weight.values(), rounded.values, weight.shape(), rounded.params, input->hessian,
                     {options.affine.range, options.groupSize, static_cast<int>(settings.sweeps), result->dampening, false},
                     poolFor());
    record(op, weight, rounded, *input, *result);
    return shrunk(std::move(rounded), spec);
  }

private:
  void record(LinearLikeOpInterface op, const WeightRows &weight, const RoundedRows &rounded, const LinearInput &input,
              const GptqResult &result) {
    log.add(op, Outcome::Quantized, "GPTQ-DONE",
            llvm::formatv("{0:f1} dB on its calibration inputs, dampening {1}", localSqnr(weight, rounded.values, input), result.dampening).str());
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
    if (failed(targetList) || failed(readSettings(settings)))
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

  LogicalResult readSettings(GPTQSettings &settings) {
    auto refuse = [&](llvm::StringRef option, const llvm::Twine &value, llvm::StringRef choices) -> LogicalResult {
      return getOperation().emitError("qopt-gptq: ") << option << " is " << value << "; it must be " << choices;
    };
    if (order != "none" && order != "static")
      return refuse("order", "'" + order + "'", "none or static (dynamic groups would scatter a group's columns)");
    if (blockSize < 1)
      return refuse("block-size", llvm::Twine(blockSize.getValue()), "at least 1");
    if (!(dampening > 0 && dampening <= 1))
      return refuse("dampening", std::to_string(dampening), "more than 0 and at most 1");
    auto rule = parseClipRule(clip);
    if (!rule)
      return refuse("clip", "'" + clip + "'", kClipRules);
    settings.clip = *rule;
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
