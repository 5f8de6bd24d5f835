// What follows the accumulators of an integer product, in integers as far as it goes. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZEEPILOGUE_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZEEPILOGUE_H

#include "LegalizeLinear.h"

#include "qopt/Dialect/NN/IR/NN.h"

#include "mlir/IR/PatternMatch.h"

namespace qopt {

/// `vector` (one element, or one per output channel) as a tensor that broadcasts along dim `axis` of a result of rank `rank`.
mlir::Value alongAxis(mlir::OpBuilder &b, mlir::Location loc, mlir::Value vector, int64_t axis, int64_t rank);

/// The elements of an i32 constant; nothing for other values.
std::optional<llvm::SmallVector<int32_t>> int32Elements(mlir::Value value);

/// x where a relu or clip of x is quantized whose bounds round to the ends of the codes, so that saturation does its work; else null.
mlir::Value behindCoveredClip(qir::QuantizeOp op);

/// An accumulator that has taken in as much of a bias as it can, and what remains of it in float (null: nothing).
struct BiasedSum {
  mlir::Value acc, rest;
};

/// acc + the int32 codes behind `bias`, where `bias` is a dequantized i32 constant whose scales are `scales` exactly (the products that
/// the accumulators carry). The range of the sums (one for all, or one per output channel) proves that none overflows; channels where it
/// does not keep their bias in float, and so does a bias of another form.
BiasedSum addIntegerBias(mlir::OpBuilder &b, mlir::Location loc, mlir::Value acc, mlir::Value bias, mlir::Value scales,
                         llvm::ArrayRef<SumRange> sums, int64_t axis);

/// quantize(acc * s [+ b]) with one multiplier s/sy, as ONNX Runtime's QLinear ops have it; clips that saturation covers fall away.
void populateLegalizeEpiloguePatterns(mlir::RewritePatternSet &patterns);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZEEPILOGUE_H
