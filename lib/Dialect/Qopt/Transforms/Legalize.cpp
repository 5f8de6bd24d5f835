// Quantize/dequantize islands → integer compute. Linear ops stand in LegalizeLinear.cpp.
#include "LegalizeEpilogue.h"
#include "LegalizeLinear.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Analysis/Placement.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace qopt {
#define GEN_PASS_DEF_LEGALIZEPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

bool sameConstant(Value a, Value b) { return a == b || (a && b && constantOf(a) && constantOf(a) == constantOf(b)); }

bool sameParams(qir::DequantizeOp a, qir::DequantizeOp b) {
  return sameConstant(a.getScale(), b.getScale()) && sameConstant(a.getZeroPoint(), b.getZeroPoint()) &&
         a.getQ().getType().getElementType() == b.getQ().getType().getElementType();
}

/// Ops that move elements move codes: f(dequantize(q)) = dequantize(f(q)).
struct MoveCodes : RewritePattern {
  explicit MoveCodes(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (placement(op).role != Role::Transparent || op->getNumOperands() == 0 || op->getNumRegions() != 0)
      return failure();
    size_t moved = isa<nn::ConcatOp>(op) ? op->getNumOperands() : 1;
    qir::DequantizeOp first = dequantizeOf(op->getOperand(0));
    if (!first || !isPerTensor(first))
      return failure();
    SmallVector<Value> operands(op->getOperands());
    for (size_t i = 0; i < moved; ++i) {
      qir::DequantizeOp d = dequantizeOf(operands[i]);
      if (!d || !isPerTensor(d) || !sameParams(first, d))
        return failure();
      operands[i] = d.getQ();
    }
    Type code = cast<RankedTensorType>(first.getQ().getType()).getElementType();
    OperationState state(op->getLoc(), op->getName(), operands, {}, op->getAttrs());
    for (Type type : op->getResultTypes())
      state.addTypes(cast<RankedTensorType>(type).clone(code));
    Operation *onCodes = rewriter.create(state);
    SmallVector<Value> results;
    for (auto [q, type] : llvm::zip(onCodes->getResults(), op->getResultTypes()))
      results.push_back(qir::DequantizeOp::create(rewriter, op->getLoc(), type, q, first.getScale(), first.getZeroPoint(),
                                                  nullptr, nullptr));
    rewriter.replaceOp(op, results);
    return success();
  }
};

/// quantize(dequantize(q)) with the same parameters is q.
struct CancelRoundTrip : OpRewritePattern<qir::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(qir::QuantizeOp op, PatternRewriter &rewriter) const override {
    auto d = op.getX().getDefiningOp<qir::DequantizeOp>();
    if (!d || d.getQ().getType() != op.getQ().getType() || !sameConstant(d.getScale(), op.getScale()) ||
        !sameConstant(d.getZeroPoint(), op.getZeroPoint()) || d.getAxis() != op.getAxis() ||
        d.getBlockSize() != op.getBlockSize())
      return failure();
    rewriter.replaceOp(op, d.getQ());
    return success();
  }
};

struct Legalize : qopt::impl::LegalizePassBase<Legalize> {
  using LegalizePassBase::LegalizePassBase;

  void runOnOperation() override {
    DecisionLog log(getOperation());
    RewritePatternSet patterns(&getContext());
    if (dynamicOnly) {
      populateDynamicProductPatterns(patterns);
      if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
        signalPassFailure();
      return;
    }
    patterns.add<MoveCodes, CancelRoundTrip>(&getContext());
    populateWidenPatterns(patterns);
    populateLegalizeLinearPatterns(patterns);
    populateLegalizeEpiloguePatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    reportRemains(log);
  }

  /// A linear op that still reads two dequantized factors runs in float: say so.
  void reportRemains(DecisionLog &log) {
    getOperation().walk([&](Operation *op) {
      if (!isa<nn::MatMulOp, nn::GemmOp, nn::ConvOp>(op))
        return;
      auto weight = op->getOperand(1).getDefiningOp<qir::DequantizeOp>();
      if (dequantizeOf(op->getOperand(0)) && weight && isa<IntegerType>(weight.getQ().getType().getElementType()))
        log.add(op, Outcome::FellBack, "LEGAL-FORM",
                "no integer form fits: a scale lies inside of the sum, the accumulator could overflow, or an operand is transposed");
    });
  }
};

} // namespace
