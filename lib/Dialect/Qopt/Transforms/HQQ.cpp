// Fits zero points without data (HQQ).
#include "RoundWeights.h"

#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Rounding.h"

#include <cmath>

namespace qopt {
#define GEN_PASS_DEF_HQQPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

struct HQQ : qopt::impl::HQQPassBase<HQQ> {
  using HQQPassBase::HQQPassBase;
  HQQ(HQQPassOptions options, std::shared_ptr<RoundingJournal> journal) : HQQPassBase(std::move(options)), journal(std::move(journal)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto targetList = readTargets(module, "qopt-hqq", weights, targets, biasCorrection);
    if (failed(targetList))
      return signalPassFailure();
    const OperandSpec &spec = targetList->spec;
    if (spec.symmetric || spec.granularity == Granularity::Tensor) {
      module.emitError("qopt-hqq: weights: ") << describe(spec) << "; HQQ fits zero points: it needs an asymmetric format with scales "
                                                                  "per channel or group";
      return signalPassFailure();
    }
    DecisionLog log(module);
    auto round = [&](LinearLikeOpInterface, const WeightRows &weight, const Sites &) { return fit(weight, spec); };
    if (failed(roundWeights(module, *targetList, log, round, journal.get())))
      signalPassFailure();
  }

  RoundedRows fit(const WeightRows &weight, const OperandSpec &spec) const {
    BlockGrid grid = groupGrid(weight.shape(), spec);
    HqqOptions options;
    options.range = affineOptions(spec).range;
    options.iterations = static_cast<int>(iterations);
    options.fractionalZero = spec.zeroPointFormat.has_value();
    auto params = hqq(weight.values(), grid, options);
    if (!params)
      return {{}, {}, "QUANT-WEIGHT", "its weight holds a value that is not finite: " + params.error()};
    RoundedRows rounded{std::vector<float>(weight.values().size()), {std::move(params->scales), {}}, {}, {}};
    float low = static_cast<float>(options.range.low), high = static_cast<float>(options.range.high);
    for (float zero : params->zeroPoints)
      rounded.params.zeroPoints.push_back(options.fractionalZero ? zero : std::clamp(std::nearbyint(zero), low, high));
    fakeQuantize(weight.values(), grid, rounded.params, options.range, rounded.values);
    return rounded;
  }

  std::shared_ptr<RoundingJournal> journal;
};

} // namespace

std::unique_ptr<Pass> qopt::createHQQPass(HQQPassOptions options, std::shared_ptr<RoundingJournal> journal) {
  return std::make_unique<HQQ>(std::move(options), std::move(journal));
}
