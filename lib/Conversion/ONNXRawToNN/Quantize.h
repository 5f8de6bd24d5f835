// Quantize and dequantize, as the quantized families make them.
#pragma once
#include "Node.h"

namespace qopt {

/// A scale, perhaps a zero point, and where they vary.
struct QuantParams {
  Value scale, zeroPoint;
  std::optional<int64_t> axis, blockSize;
};

/// Operands `scale` and `zeroPoint` (an index past the operands is absent) for a tensor like `x`: one element becomes per tensor, a
/// vector runs along `axis`, and with `blockSize` both have x's rank. Checks lengths, types, and constant scales, which must be
/// positive and finite.
QuantParams readParams(Node &node, Value x, size_t scale, size_t zeroPoint, int64_t axis, int64_t blockSize = 0);

/// `element` is the float type of the result; null means the scale's.
Value dequantize(Node &node, Value q, const QuantParams &params, Type element = {});
Value quantize(Node &node, Value x, const QuantParams &params, Type element, bool saturate = true);

/// An i32 bias, whose scale is the product of the other two and whose zero point is 0.
Value dequantizeBias(Node &node, Value bias, Value inputScale, const QuantParams &weight);

/// The operand as a scalar if it has one element, and otherwise as it is.
Value scalarIfOne(Node &node, Value value);

} // namespace qopt
