// A weight constant as codes, scales and zero points. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_QUANTIZEWEIGHTS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_QUANTIZEWEIGHTS_H

#include "WeightRows.h"

#include "qopt/Dialect/Qopt/IR/Qopt.h"
#include "qopt/Numerics/Quantizers/Scales.h"
#include "qopt/TargetInfo/OperandSpec.h"

namespace qopt {

/// What stands behind one `qopt.dequantize`.
struct WeightCodes {
  mlir::ElementsAttr codes;      ///< of the weight's shape, element type of the format
  mlir::ElementsAttr scales;     ///< f32: a scalar, a vector along the output axis, or one for each group
  mlir::ElementsAttr zeroPoints; ///< of the scales' shape and the codes' type; null where all are zero by the format
  std::optional<int64_t> axis, blockSize;
  std::string error; ///< one clause; set where the weight cannot be quantized
};

/// How scales follow from weights.
enum class ScaleRule {
  Max, ///< nothing is clipped, but for the far end of signed scales (see affineOptions)
  MSE, ///< the clip of least squared error
};

/// Integer range and symmetry of a spec. Symmetric formats of up to four bits take scales of either sign, so that the value of
/// greatest magnitude has the lowest code and all codes are in use; int8 leaves -128 out.
AffineOptions affineOptions(const OperandSpec &spec);

/// Columns of a weight's rows that share a scale: the group size, or 0 for all. Per-tensor scales are no rows' matter.
int64_t columnsPerScale(const OperandSpec &spec);

/// The grid over [N, K] of scales in [N, groups]: a row's one group where the spec has none.
BlockGrid groupGrid(RowShape shape, const OperandSpec &spec);

/// Why the spec's scales do not fit this weight; empty where they do.
std::string whyNot(const WeightRows &weight, const OperandSpec &spec);

/// Rounds to nearest with scales of its own.
WeightCodes quantizeWeight(const WeightRows &weight, const OperandSpec &spec, ScaleRule rule);

/// Codes of `values` ([N, K], which need not be the weight's own) for scales and zero points [N, groups].
WeightCodes encodeRows(const WeightRows &weight, std::span<const float> values, const GridParams &params, const OperandSpec &spec);

/// The bytes of the constants, as RoundingJournal keeps them, and the way back: nothing where they do not fit the weight and the spec.
void readCodes(const WeightCodes &codes, std::vector<uint8_t> &elements, std::vector<float> &scales, std::vector<uint8_t> &zeroPoints);
std::optional<WeightCodes> codesFrom(const WeightRows &weight, const OperandSpec &spec, llvm::ArrayRef<uint8_t> elements,
                                     llvm::ArrayRef<float> scales, llvm::ArrayRef<uint8_t> zeroPoints);

/// Codes or zero points as numbers, in the constant's order; nothing for a null attribute.
std::vector<float> numbersOf(mlir::ElementsAttr codes, bool isSigned);

/// What the codes mean, as [N, K].
std::vector<float> decodeRows(const WeightRows &weight, const WeightCodes &codes);

/// Puts `dequantize(codes)` where the op reads its weight.
void installWeight(LinearLikeOpInterface op, const WeightCodes &codes);

/// The dequantize of constant codes that an op reads as its weight, or null.
qir::DequantizeOp quantizedWeight(LinearLikeOpInterface op);

/// Whether its scales can be trained: a constant in f32 under constant integers, read by one op.
bool hasTrainableScales(qir::DequantizeOp weight);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_QUANTIZEWEIGHTS_H
