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
  mlir::ElementsAttr scales; ///< f32, f8E8M0FNU or f8E4M3FN
  mlir::ElementsAttr outer;  ///< the second level: a float for the tensor, or one for each 256 scales; null for one level
  mlir::ElementsAttr offset; ///< added to the scales; null for none
  llvm::SmallVector<int64_t> scaleShape;
  std::optional<int64_t> axis, blockSize;
  llvm::SmallVector<int64_t> blockShape;
  std::string error; ///< one clause; set where the weight cannot be encoded
};

/// By lib/Numerics/Formats: scales are max|w| / greatest for f32, the OCP rule for E8M0, two levels for NVFP4.
EncodedWeight encodeWeight(const WeightRows &weight, const OperandSpec &spec);

/// Puts the chain where the op reads its weight.
void installEncoded(LinearLikeOpInterface op, const EncodedWeight &weight);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ENCODEWEIGHTS_H
