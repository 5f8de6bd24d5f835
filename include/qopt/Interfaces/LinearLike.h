//===- LinearLike.h - Contractions of an activation with a weight ------------===//
#ifndef QOPT_INTERFACES_LINEARLIKE_H
#define QOPT_INTERFACES_LINEARLIKE_H

#include "qopt/Interfaces/InputWindow.h"

#include "mlir/IR/OpDefinition.h"

#include "qopt/Interfaces/LinearLike.h.inc"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace qopt {

/// The weight as constant attribute, or null where the second factor is computed.
mlir::ElementsAttr constantWeight(LinearLikeOpInterface op);

/// Whether the weight has no dims but those of its output and input channels, others of one element aside.
bool hasMatrixWeight(LinearLikeOpInterface op);

/// Attaches the interface to nn.conv, nn.conv_transpose, nn.matmul and nn.gemm.
void registerNNLinearModels(mlir::DialectRegistry &registry);

/// Attaches the interface to linalg's products (matmul, batch_matmul, matvec, vecmat, contract) and ungrouped convolutions, and to tosa.matmul,
/// tosa.conv2d (of which a fully connected layer is one) and tosa.conv3d.
void registerUpstreamLinearModels(mlir::DialectRegistry &registry);

} // namespace qopt

#endif // QOPT_INTERFACES_LINEARLIKE_H
