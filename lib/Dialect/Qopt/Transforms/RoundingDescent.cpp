// Coordinate descent over codes, from rounding to nearest.
#include "RoundWeights.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Rounding.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace qopt {
#define GEN_PASS_DEF_ROUNDINGPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

struct RoundingDescent : qopt::impl::RoundingPassBase<RoundingDescent> {
  RoundingDescent() = default;
  using RoundingPassBase::RoundingPassBase;
  RoundingDescent(RoundingPassOptions options, std::shared_ptr<const InputTable> table, std::shared_ptr<RoundingJournal> journal)
      : RoundingPassBase(std::move(options)), table(std::move(table)), journal(std::move(journal)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto targetList = readTargets(module, "qopt-rounding", weights, targets, biasCorrection);
    auto rule = parseClipRule(clip);
    if (!rule)
      module.emitError("qopt-rounding: clip is '") << clip << "'; it must be " << kClipRules;
    if (failed(targetList) || !rule)
      return signalPassFailure();
    LinearInputs inputs(module, table);
    bool needed = sweeps > 0 || *rule == ClipRule::Inputs || *rule == ClipRule::Hessian;
    if (needed && inputs.missing()) {
      module.emitError("qopt-rounding: there are no Gram matrices of the linears' inputs (attribute qopt.inputs); calibrate the model "
                       "first");
      return signalPassFailure();
    }
    DecisionLog log(module);
    auto round = [&](LinearLikeOpInterface op, const WeightRows &weight, const Sites &sites) {
      return descend(op, weight, sites, inputs, *rule, targetList->spec, log);
    };
    if (failed(roundWeights(module, *targetList, log, round, journal.get())))
      signalPassFailure();
  }

  RoundedRows descend(LinearLikeOpInterface op, const WeightRows &weight, const Sites &sites, const LinearInputs &inputs,
                      ClipRule rule, const OperandSpec &spec, DecisionLog &log) const {
    std::string why;
    bool needed = sweeps > 0 || rule == ClipRule::Inputs || rule == ClipRule::Hessian;
    auto input = needed ? inputs.of(op, sites, why) : std::nullopt;
    if (needed && !input)
      return {{}, {}, "ROUND-NO-STATS", "rounded to nearest: " + why};
    auto scales = scalesOf(weight.values(), weight.shape(), spec, rule, input ? &*input : nullptr);
    if (!scales)
      return {{}, {}, "QUANT-WEIGHT", "its weight holds a value that is not finite: " + scales.error()};
    RoundedRows rounded{std::vector<float>(weight.values().size()), std::move(*scales), {}, {}};
    RowShape shape = weight.shape();
    IntRange range = affineOptions(spec).range;
    fakeQuantize(weight.values(), groupGrid(shape, spec), rounded.params, range, rounded.values);
    if (sweeps == 0)
      return shrunk(std::move(rounded), spec);
    RefineResult result = refineRounding(weight.values(), rounded.values, shape, rounded.params, input->hessian,
                                         {range, columnsPerScale(spec), static_cast<int>(sweeps), dampening, floorOrCeil}, poolFor());
    log.add(op, Outcome::Quantized, "ROUND-DONE",
            llvm::formatv("{0} of {1} codes moved, error down by {2:f1} dB", result.changed, rounded.values.size(),
                          10 * std::log10(result.errorBefore / result.errorAfter)).str());
    return shrunk(std::move(rounded), spec);
  }

  std::shared_ptr<const InputTable> table;
  std::shared_ptr<RoundingJournal> journal;
};

} // namespace

std::unique_ptr<Pass> qopt::createRoundingPass(RoundingPassOptions options, std::shared_ptr<const InputTable> inputs,
                                               std::shared_ptr<RoundingJournal> journal) {
  return std::make_unique<RoundingDescent>(std::move(options), std::move(inputs), std::move(journal));
}
