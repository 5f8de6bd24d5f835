// Scales behind the sums of convolutions that stay in float after them, so that every runtime sums the same integers.
#include "LegalizeEpilogue.h"
#include "LegalizeLinear.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"

namespace qopt {
#define GEN_PASS_DEF_EXACTSUMSPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

/// float32 holds every integer up to here.
constexpr int64_t kExact = int64_t{1} << 24;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Whether runtimes fuse the convolution with the quantize behind it, and so compute it on integers.
bool isRequantized(nn::ConvOp op) {
  if (!op.getY().hasOneUse())
    return false;
  Operation *user = *op.getY().user_begin();
  if (isa<qir::QuantizeOp>(user))
    return true;
  if (!isa<nn::ReluOp, nn::ClipOp>(user) || !user->getResult(0).hasOneUse())
    return false;
  auto quantize = dyn_cast<qir::QuantizeOp>(*user->user_begin());
  return quantize && behindCoveredClip(quantize) == op.getY();
}

/// The int32 bias in units of the accumulator; null where it is none.
qir::DequantizeOp integerBias(nn::ConvOp op) {
  auto bias = op.getB() ? op.getB().getDefiningOp<qir::DequantizeOp>() : qir::DequantizeOp();
  return bias && typeOf(bias.getQ()).getElementType().isSignlessInteger(32) ? bias : qir::DequantizeOp();
}

/// Whether float32 holds each sum, and each partial one, with the bias in it.
bool sumsAreExact(ArrayRef<SumRange> sums, qir::DequantizeOp bias) {
  ArrayRef<int32_t> codes;
  std::optional<SmallVector<int32_t>> values;
  if (bias) {
    values = int32Elements(bias.getQ());
    if (!values)
      return false;
    codes = *values;
  }
  for (size_t n = 0; n < std::max(sums.size(), codes.size()); ++n) {
    const SumRange &sum = sums[sums.size() == 1 ? 0 : n];
    int64_t start = codes.empty() ? 0 : codes[n];
    if (std::min<int64_t>(sum.low, sum.low + start) < -kExact || std::max<int64_t>(sum.high, sum.high + start) > kExact)
      return false;
  }
  return true;
}

struct ExactSums : qopt::impl::ExactSumsPassBase<ExactSums> {
  void runOnOperation() override {
    getOperation().walk([](nn::ConvOp op) {
      auto form = integerForm(op);
      if (form && op.getLayout() != "NXC" && !isRequantized(op))
        moveScales(op, *form);
    });
  }

  static void moveScales(nn::ConvOp op, IntegerForm &form) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    Value scales = scaleProduct(b, loc, form.activation.getScale(), form.weight.getScale());
    if (!scales)
      return;
    qir::DequantizeOp bias = integerBias(op);
    if (!sumsAreExact(form.sums, bias))
      op.emitRemark() << "its sums are not proven to stay within 2^24, up to where float32 holds all integers [EXPORT-SUMS]";
    auto floatBias = bias ? Value() : op.getB();
    op.getXMutable().assign(unscaled(b, form.activation));
    op.getWMutable().assign(unscaled(b, form.weight));
    op.getBMutable().assign(bias ? ValueRange{unscaled(b, bias)} : ValueRange{});
    b.setInsertionPointAfter(op);
    int64_t rank = typeOf(op.getY()).getRank();
    auto product = nn::MulOp::create(b, loc, typeOf(op.getY()), op.getY(), alongAxis(b, loc, scales, 1, rank));
    Operation *last = product;
    if (floatBias)
      last = nn::AddOp::create(b, loc, typeOf(op.getY()), product, alongAxis(b, loc, floatBias, 1, rank));
    op.getY().replaceAllUsesExcept(last->getResult(0), product);
  }

  /// The codes as numbers: dequantized with scale one.
  static Value unscaled(OpBuilder &b, qir::DequantizeOp codes) {
    RankedTensorType type = typeOf(codes.getScale());
    SmallVector<float> ones(type.getNumElements(), 1.0f);
    Value one = nn::ConstantOp::create(b, codes.getLoc(), makeElements<float>(type, ones, "one"));
    return qir::DequantizeOp::create(b, codes.getLoc(), typeOf(codes.getX()), codes.getQ(), one, codes.getZeroPoint(),
                                     codes.getAxisAttr(), nullptr);
  }
};

} // namespace
