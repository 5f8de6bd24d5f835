#include "qopt/Pipelines/Passes.h"

namespace qopt {
#define GEN_PASS_DEF_STRIPSTATISTICSPASS
#include "qopt/Pipelines/Passes.h.inc"
} // namespace qopt

namespace {

struct StripStatistics : qopt::impl::StripStatisticsPassBase<StripStatistics> {
  void runOnOperation() override {
    for (llvm::StringRef attribute : {"qopt.ranges", "qopt.channels", "qopt.inputs", "qopt.scaled_inputs"})
      getOperation()->removeAttr(attribute);
  }
};

} // namespace
