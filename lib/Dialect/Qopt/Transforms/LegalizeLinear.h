// Patterns of qopt-legalize. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZELINEAR_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZELINEAR_H

#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/PatternMatch.h"

#include <optional>

namespace qopt {

/// nn.matmul, nn.gemm and nn.conv of dequantized operands → integer compute.
void populateLegalizeLinearPatterns(mlir::RewritePatternSet &patterns);

/// The matrix products among them whose activation gets its scales at run time.
void populateDynamicProductPatterns(mlir::RewritePatternSet &patterns);

/// Narrower weights beside 8-bit activations → 8-bit ones.
void populateWidenPatterns(mlir::RewritePatternSet &patterns);

/// The dequantize behind a value, if its codes have 8 bits.
qir::DequantizeOp dequantizeOf(mlir::Value value);

/// The bytes of an 8-bit constant; empty for splats and computed values.
llvm::ArrayRef<int8_t> bytesOf(mlir::Value value);

/// One scale and zero point for the whole tensor.
bool isPerTensor(qir::DequantizeOp op);

/// Product of two constant scales, the activation's for the whole tensor, rounded once in float32 as the kernels would; else null.
mlir::Value scaleProduct(mlir::OpBuilder &b, mlir::Location loc, mlir::Value activation, mlir::Value weight);

/// The least and the greatest value of an accumulator.
struct SumRange {
  int64_t low, high;
};

/// A product with dequantized factors that can be summed in int32 and scaled afterwards.
struct IntegerForm {
  qir::DequantizeOp activation, weight;
  int64_t outputs;                  ///< the weight's dim of output channels
  llvm::SmallVector<SumRange> sums; ///< of the accumulators: one for all, or one per output channel
};
std::optional<IntegerForm> integerForm(nn::ConvOp op);
std::optional<IntegerForm> integerForm(nn::GemmOp op);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZELINEAR_H
