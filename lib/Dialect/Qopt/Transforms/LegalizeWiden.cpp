// Weights of fewer than 8 bits whose product runs in integers become 8-bit codes: the kernels' bytes, and the same numbers.
#include "LegalizeLinear.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace qopt;

namespace {

/// A constant of codes below 8 bits as i8; null for others.
Value widened(PatternRewriter &rewriter, Location loc, Value codes) {
  auto type = cast<RankedTensorType>(codes.getType());
  auto element = dyn_cast<IntegerType>(type.getElementType());
  ElementsAttr attr = constantOf(codes);
  if (!attr || !element || element.getWidth() >= 8 || element.getWidth() == 1)
    return {};
  std::vector<int8_t> wide;
  auto add = [&](APInt code) {
    wide.push_back(static_cast<int8_t>(element.isUnsigned() ? static_cast<int64_t>(code.getZExtValue()) : code.getSExtValue()));
  };
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || static_cast<int64_t>(blob->getData().size()) != type.getNumElements())
      return {};
    for (char byte : blob->getData()) // one element a byte; the bits above the code may hold anything
      add(APInt(8, static_cast<uint8_t>(byte)).trunc(element.getWidth()));
  } else if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    for (const APInt &code : dense.getValues<APInt>())
      add(code);
  }
  if (static_cast<int64_t>(wide.size()) != type.getNumElements())
    return {};
  return nn::ConstantOp::create(rewriter, loc, makeElements<int8_t>(type.clone(rewriter.getI8Type()), wide, "w8"));
}

/// Only beside 8-bit activations: alone, weights keep the bits that they have.
struct WidenWeight : OpRewritePattern<qir::DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(qir::DequantizeOp op, PatternRewriter &rewriter) const override {
    bool isFactor = !op->use_empty() && llvm::all_of(op->getUses(), [](OpOperand &use) {
      return use.getOperandNumber() == 1 && isa<nn::MatMulOp, nn::GemmOp, nn::ConvOp>(use.getOwner()) &&
             dequantizeOf(use.getOwner()->getOperand(0));
    });
    if (!isFactor || op.getBlockSize() || op.getBlockShape())
      return failure();
    Value codes = widened(rewriter, op.getLoc(), op.getQ()), zero = op.getZeroPoint();
    if (zero)
      zero = widened(rewriter, op.getLoc(), zero);
    if (!codes || (op.getZeroPoint() && !zero))
      return failure();
    rewriter.replaceOpWithNewOp<qir::DequantizeOp>(op, op.getType(), codes, op.getScale(), zero, op.getAxisAttr(), IntegerAttr());
    return success();
  }
};

} // namespace

void qopt::populateWidenPatterns(RewritePatternSet &patterns) { patterns.add<WidenWeight>(patterns.getContext()); }
