// Biases in the units of the accumulators that they are added to.
#include "LegalizeLinear.h"

#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Decisions.h"
#include "qopt/Dialect/Qopt/Transforms/Passes.h"
#include "qopt/Numerics/Quantizers/IntSafety.h"

#include <cmath>

namespace qopt {
#define GEN_PASS_DEF_QUANTIZEBIASPASS
#include "qopt/Dialect/Qopt/Transforms/Passes.h.inc"
} // namespace qopt

using namespace mlir;
using namespace qopt;

namespace {

/// One bound for each of `count` outputs.
std::vector<AccumulatorBound> boundsOf(ArrayRef<SumRange> sums, size_t count) {
  std::vector<AccumulatorBound> bounds;
  for (size_t n = 0; n < count; ++n) {
    const SumRange &sum = sums[sums.size() == 1 ? 0 : n];
    bounds.push_back({sum.low, sum.high});
  }
  return bounds;
}

constexpr float kMostUnits = 1 << 30;

/// Signed 8-bit codes by channel (dim `axis`) for other scales; empty where the bytes are not there.
std::vector<int8_t> rescaledCodes(Value codes, int64_t axis, ArrayRef<float> from, ArrayRef<float> to) {
  auto type = cast<RankedTensorType>(codes.getType());
  ArrayRef<int8_t> bytes = bytesOf(codes);
  if (type.getElementType().isUnsignedInteger())
    return {};
  size_t inner = 1;
  for (int64_t dim : type.getShape().drop_front(axis + 1))
    inner *= dim;
  std::vector<int8_t> out(bytes.begin(), bytes.end());
  for (size_t i = 0; i < out.size(); ++i) {
    size_t channel = i / inner % from.size();
    if (from[channel] != to[channel])
      out[i] = static_cast<int8_t>(std::nearbyint(out[i] * (from[channel] / to[channel])));
  }
  return out;
}

struct QuantizeBias : qopt::impl::QuantizeBiasPassBase<QuantizeBias> {
  void runOnOperation() override {
    DecisionLog log(getOperation());
    getOperation().walk([&](nn::ConvOp op) {
      if (op.getB())
        quantize(op, op.getBMutable()[0], log);
    });
    getOperation().walk([&](nn::GemmOp op) {
      if (op.getC())
        quantize(op, op.getCMutable()[0], log);
    });
  }

  template <typename Op> static void quantize(Op op, OpOperand &bias, DecisionLog &log) {
    FloatElements values(constantOf(bias.get()));
    auto form = integerForm(op);
    if (!values.valid() || !form || cast<RankedTensorType>(bias.get().getType()).getRank() != 1)
      return;
    if (coarsenWeights(op, *form, values.values()))
      form = integerForm(op);
    FloatElements input(constantOf(form->activation.getScale())), weights(constantOf(form->weight.getScale()));
    size_t count = values.values().size();
    if (!input.valid() || input.values().size() != 1 || !weights.valid() ||
        (weights.values().size() != 1 && weights.values().size() != count))
      return;
    QuantizedBias codes = quantizeBias(values.values(), input.values()[0], weights.values(), boundsOf(form->sums, count));
    if (codes.overflow)
      return log.note(op, "BIAS-RANGE", "its bias stays in float: at output " + Twine(*codes.overflow) +
                                             " it would overflow int32 in the units of the accumulator");
    install(op, bias, codes.values, *form);
  }

  /// Weights so small beside their bias that it would be more than 2^30 units get a scale that makes it 2^30: what that rounds off is less than
  /// one part in 2^22 of the bias. Channels that training has switched off are such.
  static bool coarsenWeights(Operation *op, IntegerForm &form, ArrayRef<float> bias) {
    FloatElements input(constantOf(form.activation.getScale())), scales(constantOf(form.weight.getScale()));
    if (form.weight.getZeroPoint() || !input.valid() || input.values().size() != 1 || !scales.valid() ||
        scales.values().size() != bias.size() || bias.size() == 1)
      return false;
    SmallVector<float> wanted(scales.values());
    for (auto [scale, b] : llvm::zip(wanted, bias))
      if (std::isfinite(b) && std::fabs(b) > kMostUnits * (input.values()[0] * scale))
        scale = std::fabs(b) / kMostUnits / input.values()[0];
    auto codes = rescaledCodes(form.weight.getQ(), form.outputs, scales.values(), wanted);
    if (ArrayRef(wanted) == scales.values() || codes.empty())
      return false;
    OpBuilder b(op);
    qir::DequantizeOp old = form.weight;
    Location loc = old.getLoc();
    Value q = nn::ConstantOp::create(b, loc, makeElements<int8_t>(cast<RankedTensorType>(old.getQ().getType()), codes, "w8"));
    Value s = nn::ConstantOp::create(b, loc, makeElements<float>(cast<RankedTensorType>(old.getScale().getType()), wanted, "scale"));
    op->replaceUsesOfWith(old.getX(), qir::DequantizeOp::create(b, loc, old.getX().getType(), q, s, Value(), old.getAxisAttr(), nullptr));
    return true;
  }

  static void install(Operation *op, OpOperand &bias, ArrayRef<int32_t> codes, IntegerForm &form) {
    OpBuilder b(op);
    Location loc = bias.get().getLoc();
    auto type = cast<RankedTensorType>(bias.get().getType());
    Value q = nn::ConstantOp::create(b, loc, makeElements<int32_t>(type.clone(b.getI32Type()), codes, "bias"));
    Value s = scaleProduct(b, loc, form.activation.getScale(), form.weight.getScale());
    auto axis = cast<RankedTensorType>(s.getType()).getRank() ? b.getI64IntegerAttr(0) : IntegerAttr();
    bias.set(qir::DequantizeOp::create(b, loc, type, q, s, Value(), axis, nullptr));
  }
};

} // namespace
