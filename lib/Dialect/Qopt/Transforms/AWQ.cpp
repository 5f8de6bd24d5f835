// Scales the input channels that matter, before rounding (AWQ).
#include "LinearInputs.h"
#include "RoundWeights.h"
#include "ScaleChannels.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/Awq.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

namespace qopt {
#define GEN_PASS_DEF_AWQPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

/// Rows that candidates are judged on.
constexpr int64_t kLossRows = 128;

struct AWQ : qopt::impl::AWQPassBase<AWQ> {
  AWQ() = default;
  using AWQPassBase::AWQPassBase;
  AWQ(AWQPassOptions options, std::shared_ptr<const InputTable> table)
      : AWQPassBase(std::move(options)), table(std::move(table)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto targetList = readTargets(module, "qopt-awq", weights, targets, {});
    if (failed(targetList))
      return signalPassFailure();
    if (steps < 1) {
      module.emitError("qopt-awq: steps is ") << steps.getValue() << "; it must be at least 1";
      return signalPassFailure();
    }
    LinearInputs inputs(module, table);
    if (inputs.missing()) {
      module.emitError("qopt-awq: there are no Gram matrices of the linears' inputs (attribute qopt.inputs); calibrate the model first");
      return signalPassFailure();
    }
    DecisionLog log(module);
    for (auto func : module.getOps<func::FuncOp>()) {
      if (func.isExternal())
        continue;
      Sites sites(func);
      auto groups = channelGroups(func, targetList->names);
      for (auto &[activation, group] : groups)
        if (std::string why = search(activation, group, sites, inputs, targetList->spec, log); !why.empty())
          for (LinearLikeOpInterface op : group.linears)
            log.note(op, "AWQ-NO-STATS", "its channels were not scaled: " + why);
    }
  }

  /// Returns why the group could not be searched; empty where it was.
  std::string search(Value activation, ChannelGroup &group, const Sites &sites, const LinearInputs &inputs, const OperandSpec &spec,
                     DecisionLog &log) const {
    std::string why;
    auto input = inputs.of(group.linears.front(), sites, why);
    if (!input)
      return why;
    std::vector<float> rows; // of all the group's weights, below one another
    RowShape shape{0, static_cast<int64_t>(input->meanAbs.size())};
    for (LinearLikeOpInterface op : group.linears) {
      auto weight = WeightRows::of(op, why);
      if (!weight || weight->shape().cols != shape.cols)
        return weight ? "its statistics do not fit its input channels" : why;
      rows.insert(rows.end(), weight->values().begin(), weight->values().end());
      shape.rows += weight->shape().rows;
    }
    auto found = awqScales(rows, shape, input->meanAbs, input->hessian,
                           {affineOptions(spec), columnsPerScale(spec), static_cast<int>(steps), kLossRows, duoScaling}, poolFor());
    if (!found)
      return found.error();
    double gain = found->errorBefore > 0 ? 10 * std::log10(found->errorBefore / found->errorAfter) : 0; // zero where codes hold the weights
    for (LinearLikeOpInterface op : group.linears)
      log.add(op, Outcome::Quantized, "AWQ-DONE",
              llvm::formatv("ratio {0:f2}{1}: error of rounding down by {2:f1} dB", found->ratio,
                            found->dividesByWeights ? ", over the weights' own magnitudes" : "", gain).str());
    if (found->ratio == 0 && !found->dividesByWeights)
      return {};
    scaleChannels(activation, sites, "awq", group, found->scales, log);
    return {};
  }

  std::shared_ptr<const InputTable> table;
};

} // namespace

std::unique_ptr<Pass> qopt::createAWQPass(AWQPassOptions options, std::shared_ptr<const InputTable> inputs) {
  return std::make_unique<AWQ>(std::move(options), std::move(inputs));
}
