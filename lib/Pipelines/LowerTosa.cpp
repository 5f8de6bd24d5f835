// tosa to linalg, where a function has any.
#include "qopt/Pipelines/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace qopt {
#define GEN_PASS_DEF_LOWERTOSAPASS
#include "qopt/Pipelines/Passes.h.inc"
} // namespace qopt

using namespace mlir;

namespace {

struct LowerTosa : qopt::impl::LowerTosaPassBase<LowerTosa> {
  LowerTosa() { addPasses(lowering); }

  void getDependentDialects(DialectRegistry &registry) const override { lowering.getDependentDialects(registry); }

  void runOnOperation() override {
    auto isTosa = [](Operation *op) { return isa_and_nonnull<tosa::TosaDialect>(op->getDialect()) ? WalkResult::interrupt() : WalkResult::advance(); };
    if (!getOperation().walk(isTosa).wasInterrupted())
      return markAllAnalysesPreserved();
    OpPassManager pm(lowering);
    if (failed(runPipeline(pm, getOperation())))
      signalPassFailure();
  }

private:
  static void addPasses(OpPassManager &pm) {
    pm.addPass(tosa::createTosaMakeBroadcastablePass());
    pm.addPass(tosa::createTosaToLinalgNamed());
    pm.addPass(createCanonicalizerPass());
    pm.addPass(tosa::createTosaToLinalg());
    pm.addPass(createTosaToArithPass());
    pm.addPass(createTosaToTensorPass());
    pm.addPass(createTosaToSCFPass());
  }

  OpPassManager lowering{func::FuncOp::getOperationName()};
};

} // namespace
