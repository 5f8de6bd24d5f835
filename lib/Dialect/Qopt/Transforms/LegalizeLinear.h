// Patterns of qopt-legalize. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZELINEAR_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZELINEAR_H

#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "mlir/IR/PatternMatch.h"

namespace qopt {

/// nn.matmul, nn.gemm and nn.conv of dequantized operands → integer compute.
void populateLegalizeLinearPatterns(mlir::RewritePatternSet &patterns);

/// Narrower weights beside 8-bit activations → 8-bit ones.
void populateWidenPatterns(mlir::RewritePatternSet &patterns);

/// The dequantize behind a value, if its codes have 8 bits.
qir::DequantizeOp dequantizeOf(mlir::Value value);

/// One scale and zero point for the whole tensor.
bool isPerTensor(qir::DequantizeOp op);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_LEGALIZELINEAR_H
