#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Pipelines/Passes.h"
#include "qopt/Pipelines/Phase.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Pass/PassManager.h"

namespace qopt {
#define GEN_PASS_DEF_VERIFYPHASEPASS
#include "qopt/Pipelines/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

bool isOf(Operation *op, llvm::StringRef dialect) { return op->getName().getDialectNamespace() == dialect; }

/// Whether an op may stand in the IR when the phase has ended.
bool mayStand(Operation *op, Phase phase) {
  bool observes = isa<qir::ObserveOp>(op);
  switch (phase) {
  case Phase::Imported:
  case Phase::Calibrating:
  case Phase::Legalized:
    return !isOf(op, "onnxraw");
  case Phase::Transformed:
  case Phase::Quantized:
    return !isOf(op, "onnxraw") && !observes;
  case Phase::Linalg:
    return !isOf(op, "onnxraw") && !isOf(op, "nn") && !isOf(op, "tosa") && (!isOf(op, "qopt") || observes);
  case Phase::Buffers:
    return !llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType>);
  case Phase::Loops:
    return !isOf(op, "linalg");
  case Phase::Lowered:
    return isOf(op, "llvm");
  }
  return true;
}

struct VerifyPhase : qopt::impl::VerifyPhasePassBase<VerifyPhase> {
  using VerifyPhasePassBase::VerifyPhasePassBase;

  void runOnOperation() override {
    std::optional<Phase> ended = parsePhase(phase);
    if (!ended) {
      getOperation().emitError() << "verify-phase: there is no phase '" << phase << "'; the phases are " << phaseNames();
      return signalPassFailure();
    }
    WalkResult found = getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op == getOperation())
        return WalkResult::advance();
      if (mayStand(op, *ended))
        return WalkResult::advance();
      op->emitError() << op->getName() << " is left after the phase '" << phase << "'";
      return WalkResult::interrupt();
    });
    if (found.wasInterrupted() || failed(verifyAttributes(*ended)))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult verifyAttributes(Phase ended) {
    ModuleOp module = getOperation();
    if (ended == Phase::Calibrating)
      return verifySites(module);
    if (ended == Phase::Quantized)
      for (llvm::StringRef statistics : {"qopt.ranges", "qopt.channels"})
        if (module->hasAttr(statistics))
          return module.emitError() << statistics << " is left after the phase 'quantized'";
    if (ended >= Phase::Legalized && !module->hasAttr("qopt.signature"))
      return module.emitError() << "no signature (qopt.signature) is recorded after the phase '" << phase << "'";
    return success();
  }

  static LogicalResult verifySites(ModuleOp module) {
    auto sites = module->getAttrOfType<ArrayAttr>("qopt.sites");
    WalkResult found = module.walk([&](qir::ObserveOp op) {
      int64_t index = op.getIndex();
      if (sites && index >= 0 && index < static_cast<int64_t>(sites.size()) && sites[index] == op.getSiteAttr())
        return WalkResult::advance();
      op.emitError() << "the observer of '" << op.getSite() << "' does not stand in qopt.sites";
      return WalkResult::interrupt();
    });
    return failure(found.wasInterrupted());
  }
};

} // namespace

void qopt::endPhase(OpPassManager &pm, Phase phase) { pm.addPass(createVerifyPhasePass({phaseName(phase).str()})); }
