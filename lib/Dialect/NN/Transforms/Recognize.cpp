// Activations from their pieces; normalizations are in RecognizeNorm.cpp.
#include "RecognizeImpl.h"

#include "qopt/Dialect/NN/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace qopt {
#define GEN_PASS_DEF_NNRECOGNIZE
#include "qopt/Dialect/NN/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;
using namespace qopt::nn;

namespace {
/// erf(x / sqrt 2): x, or null.
Value erfOfHalfSquare(Value value) {
  auto erf = value.getDefiningOp<ErfOp>();
  if (!erf)
    return {};
  Product inner(erf.getX());
  return inner.factors.size() == 1 && near(inner.constant, std::sqrt(0.5)) ? inner.factors[0] : Value();
}

/// Whether `value` is x * x * x, times `constant`.
bool isCube(Value value, Value x, double constant) {
  Product product(value);
  if (!near(product.constant, constant))
    return false;
  auto isX = [&](Value factor) { return factor == x; };
  if (product.factors.size() == 3)
    return llvm::all_of(product.factors, isX);
  auto isSquare = [&](Value factor) {
    auto pow = factor.getDefiningOp<PowOp>();
    auto mul = factor.getDefiningOp<MulOp>();
    return (pow && pow.getA() == x && constantScalar(pow.getB()) == 2.0) || (mul && mul.getA() == x && mul.getB() == x);
  };
  if (product.factors.size() == 2)
    return (isX(product.factors[0]) && isSquare(product.factors[1])) || (isX(product.factors[1]) && isSquare(product.factors[0]));
  auto pow = product.factors.size() == 1 ? product.factors[0].getDefiningOp<PowOp>() : PowOp();
  return pow && pow.getA() == x && constantScalar(pow.getB()) == 3.0;
}

/// tanh(sqrt(2/pi) * (x + 0.044715 x^3)), also with x taken out: x.
bool isTanhOfCubic(Value value, Value x) {
  constexpr double kCubic = 0.044715;
  auto tanh = value.getDefiningOp<TanhOp>();
  if (!tanh)
    return false;
  Product inner(tanh.getX());
  if (!near(inner.constant, std::sqrt(2 / M_PI)))
    return false;
  if (inner.factors.size() == 1) {
    auto add = inner.factors[0].getDefiningOp<AddOp>();
    return add && ((add.getA() == x && isCube(add.getB(), x, kCubic)) || (add.getB() == x && isCube(add.getA(), x, kCubic)));
  }
  Value rest = inner.otherThan(x), square = rest ? plusConstant(rest, 1) : Value();
  if (!square)
    return false;
  Product product(square);
  auto isX = [&](Value factor) { return factor == x; };
  return near(product.constant, kCubic) && product.factors.size() == 2 && llvm::all_of(product.factors, isX);
}

/// 0.5 * x * (1 + erf(x / sqrt 2)) or its tanh form.
struct RecognizeGelu : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    Product product(op.getC());
    if (product.factors.size() != 2 || !near(product.constant, 0.5))
      return failure();
    for (Value gate : product.factors) {
      Value x = product.otherThan(gate), inner = plusConstant(gate, 1);
      if (!x || !inner || x.getType() != op.getType())
        continue;
      StringRef form = erfOfHalfSquare(inner) == x ? "none" : isTanhOfCubic(inner, x) ? "tanh" : "";
      if (form.empty())
        continue;
      rewriter.replaceOpWithNewOp<GeluOp>(op, op.getType(), x, form);
      return success();
    }
    return failure();
  }
};

/// x * (0.5 + 0.5 * erf(…)) is left alone: no exporter that we know writes it. x * sigmoid(alpha * x) is swish.
struct RecognizeSwish : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    for (bool swapped : {false, true}) {
      Value x = swapped ? op.getB() : op.getA();
      auto gate = (swapped ? op.getA() : op.getB()).getDefiningOp<SigmoidOp>();
      if (!gate || x.getType() != op.getType())
        continue;
      Product inner(gate.getX());
      if (gate.getX() != x && (inner.factors.size() != 1 || inner.factors[0] != x))
        continue;
      float alpha = gate.getX() == x ? 1.0f : static_cast<float>(inner.constant);
      rewriter.replaceOpWithNewOp<SwishOp>(op, op.getType(), x, llvm::APFloat(alpha));
      return success();
    }
    return failure();
  }
};

/// clip(x + 3, 0, 6): x, or null.
Value clippedPlusThree(Value value) {
  auto clip = value.getDefiningOp<ClipOp>();
  if (!clip || !clip.getLow() || !clip.getHigh() || constantScalar(clip.getLow()) != 0.0 || constantScalar(clip.getHigh()) != 6.0)
    return {};
  return plusConstant(clip.getX(), 3);
}

/// x * clip(x + 3, 0, 6) / 6, in any order, and x * hard_sigmoid(x; 1/6, 1/2).
template <typename Root> struct RecognizeHardSwish : OpRewritePattern<Root> {
  using OpRewritePattern<Root>::OpRewritePattern;
  LogicalResult matchAndRewrite(Root op, PatternRewriter &rewriter) const override {
    Product product(op.getC());
    if (product.factors.size() == 1 && near(product.constant, 1.0 / 6))
      if (Value x = clippedPlusThree(product.factors[0]); x && x.getType() == op.getType()) {
        rewriter.replaceOpWithNewOp<HardSigmoidOp>(op, op.getType(), x, llvm::APFloat(1.0f / 6), llvm::APFloat(0.5f));
        return success();
      }
    if (product.factors.size() != 2)
      return failure();
    for (Value gate : product.factors) {
      Value x = product.otherThan(gate);
      auto sigmoid = gate.getDefiningOp<HardSigmoidOp>();
      bool isSigmoid = sigmoid && sigmoid.getX() == x && near(product.constant, 1) &&
                       near(sigmoid.getAlpha().convertToFloat(), 1.0 / 6) && near(sigmoid.getBeta().convertToFloat(), 0.5);
      if (!x || x.getType() != op.getType() || !(isSigmoid || (near(product.constant, 1.0 / 6) && clippedPlusThree(gate) == x)))
        continue;
      rewriter.replaceOpWithNewOp<HardSwishOp>(op, op.getType(), x);
      return success();
    }
    return failure();
  }
};

struct NNRecognize : qopt::impl::NNRecognizeBase<NNRecognize> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecognizeGelu, RecognizeSwish, RecognizeHardSwish<MulOp>, RecognizeHardSwish<DivOp>>(&getContext());
    addRecognizeNorm(patterns);
    GreedyRewriteConfig config;
    config.enableFolding(false);
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};
} // namespace
