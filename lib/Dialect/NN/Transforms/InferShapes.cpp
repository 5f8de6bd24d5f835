#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace qopt {
#define GEN_PASS_DEF_NNINFERSHAPES
#include "qopt/Dialect/NN/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {
struct NNInferShapes : qopt::impl::NNInferShapesBase<NNInferShapes> {
  void runOnOperation() override {
    WalkResult outcome = getOperation()->walk<WalkOrder::PreOrder>([](Operation *op) {
      StringRef dialect = op->getName().getDialectNamespace();
      std::string error;
      if ((dialect != "nn" && dialect != "qopt") || op->getNumResults() == 0 ||
          succeeded(nn::refineResultTypes(op, error)))
        return WalkResult::advance();
      op->emitError() << error;
      return WalkResult::interrupt();
    });
    if (outcome.wasInterrupted())
      return signalPassFailure();
    getOperation()->walk([](func::ReturnOp exit) {
      auto function = exit->getParentOfType<func::FuncOp>();
      function.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), exit.getOperandTypes()));
    });
  }
};
} // namespace
