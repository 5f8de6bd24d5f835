// Which loops a linalg op on buffers becomes, and in what order.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace qopt::cpu {

struct LoopOrder {
  /// Iteration dims, outermost first.
  llvm::SmallVector<unsigned> dims;
  /// So many of the first ones become one loop over chunks for the threads; 0: a serial op.
  unsigned parallel = 0;
  /// So many of the last ones are reductions whose results stay in registers.
  unsigned inRegisters = 0;
};

/// Chooses by strides: the innermost loop walks through as many operands as can be element by element; short reductions
/// of fixed size stand inside it and stay in registers.
LoopOrder chooseLoopOrder(mlir::linalg::GenericOp op);

/// A rough cost of one execution of the op's body, in simple vector operations.
int64_t bodyCost(mlir::linalg::GenericOp op);

} // namespace qopt::cpu
