// A weight constant in a float or table format, whose scales may be codes themselves. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ENCODEWEIGHTS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ENCODEWEIGHTS_H

#include "WeightRows.h"

#include "qopt/TargetInfo/OperandSpec.h"

namespace qopt {

/// What the chain of ops that dequantizes the weight is made of. `scales` lie as qopt.dequantize wants them, but for NF4's double
/// quantization, where they are a vector of codes: value = code * outer[i / 256] + offset.
struct EncodedWeight {
  mlir::ElementsAttr codes;  ///< of the weight's shape, in the format's own type; ui4 for tables
  std::vector<uint8_t> bytes; ///< the same, one byte each
  mlir::ElementsAttr scales; ///< f32, f8E8M0FNU or f8E4M3FN
  mlir::ElementsAttr outer;  ///< the second level: a float for the tensor, or one for each 256 scales; null for one level
  mlir::ElementsAttr offset; ///< added to the scales; null for none
  llvm::SmallVector<int64_t> scaleShape;
  std::optional<int64_t> axis, blockSize;
  llvm::SmallVector<int64_t> blockShape;
  std::string error; ///< one clause; set where the weight cannot be encoded
};

/// A weight on its way into a format. Scales come first, from its own values, by lib/Numerics/Formats: max|w| / greatest for f32, the OCP
/// rule for E8M0, two levels for NVFP4. `weight` and `spec` outlive it.
class WeightEncoder {
public:
  WeightEncoder(const WeightRows &weight, const OperandSpec &spec);

  /// One clause where the weight cannot be encoded; nothing else is to be asked then.
  const std::string &error() const { return why; }
  /// How many columns share a scale, and the scales [N, ceil(K / so many)] as decoding multiplies with them.
  int64_t columnsPerScale() const;
  std::vector<float> rowScales() const;

  /// Its own values, each to the nearest.
  EncodedWeight nearest() const { return withCodes(why.empty() ? weight.toLayout<uint8_t>(codes) : std::vector<uint8_t>()); }
  /// What that means, as [N, K].
  std::vector<float> nearestRows() const { return decode(weight.toLayout<uint8_t>(codes)); }
  /// Other values [N, K] under the same scales.
  EncodedWeight encode(std::span<const float> values) const;
  /// Codes in the order of the weight's own dims, and what they mean, as [N, K].
  EncodedWeight withCodes(std::vector<uint8_t> laid) const;
  std::vector<float> decode(std::span<const uint8_t> laid) const;

private:
  std::vector<float> effectiveScales() const;

  const WeightRows &weight;
  const OperandSpec &spec;
  std::string why;
  std::vector<uint8_t> codes; ///< [N, K]
  RowShape scaleShape{1, 1};
  std::vector<float> scales;
  std::vector<uint8_t> scaleCodes; ///< in place of `scales` where they are codes
  float outer = 0;                 ///< NVFP4's
};

/// Puts the chain where the op reads its weight.
void installEncoded(LinearLikeOpInterface op, const EncodedWeight &weight);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ENCODEWEIGHTS_H
