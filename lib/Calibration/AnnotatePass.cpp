#include "qopt/Calibration/Annotate.h"
#include "qopt/Calibration/Passes.h"

#include "qopt/Analysis/Constants.h"

#include "mlir/IR/Builders.h"

namespace qopt {
#define GEN_PASS_DEF_ANNOTATESTATISTICSPASS
#include "qopt/Calibration/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

struct AnnotatePass : qopt::impl::AnnotateStatisticsPassBase<AnnotatePass> {
  using AnnotateStatisticsPassBase::AnnotateStatisticsPassBase;

  void runOnOperation() override {
    std::optional<RangeMethod> rule = parseRangeMethod(method);
    if (!rule) {
      getOperation().emitError() << "qopt-annotate-statistics: method is '" << method
                                 << "'; it must be " << kRangeMethodChoices;
      return signalPassFailure();
    }
    auto statistics = readStatistics(stats);
    if (!statistics) {
      getOperation().emitError() << llvm::toString(statistics.takeError());
      return signalPassFailure();
    }
    RangeChoice choice;
    choice.method = *rule;
    choice.percent = percent;
    choice.averagingConstant = averagingConstant;
    annotateStatistics(getOperation(), *statistics, choice);
    enterInputs(getOperation(), statistics->inputs);
  }
};

} // namespace

AnnotateStatisticsPassOptions qopt::annotateOptions(llvm::StringRef stats, const RangeChoice &choice) {
  return {stats.str(), std::string(rangeMethodName(choice.method)), choice.percent, choice.averagingConstant};
}

void qopt::enterInputs(ModuleOp module, const InputTable &inputs) {
  Builder b(module.getContext());
  NamedAttrList entries;
  for (const auto &[key, stats] : inputs) {
    int64_t k = stats.paired() ? stats.columns() : stats.gram.columns();
    std::vector<double> gram, errors;
    stats.dense(gram, errors);
    auto means = stats.moments.meanAbs();
    auto gramType = RankedTensorType::get({k, k}, b.getF64Type());
    auto meanType = RankedTensorType::get({static_cast<int64_t>(means.size())}, b.getF32Type());
    NamedAttrList entry;
    entry.set("gram", makeElements<double>(gramType, gram, "gram"));
    if (!errors.empty())
      entry.set("errors", makeElements<double>(gramType, errors, "errors"));
    entry.set("mean_abs", makeElements<float>(meanType, means, "mean_abs"));
    entry.set("rows", b.getI64IntegerAttr(stats.gram.rowCount()));
    entries.set(key, entry.getDictionary(module.getContext()));
  }
  if (!inputs.empty())
    module->setAttr("qopt.inputs", entries.getDictionary(module.getContext()));
}
