//===- MicroKernel.h - Register tiles -----------------------------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_MICROKERNEL_H
#define QOPT_CODEGEN_CPU_KERNELS_MICROKERNEL_H

#include "Emitter.h"
#include "qopt/Codegen/CPU/Kernels/KernelTable.h"

namespace qopt::qcpu {

/// Four bytes of a: what one step along K takes from a row (one f32, two i16 or four 8-bit integers).
constexpr int64_t aStepBytes = 4;

/// Bytes of an element of prepared activations: f32, i16 or 8 bits.
int64_t preparedBytes(const KernelForm &form);
/// Bytes of an element of the result: f32 and i32 alike.
constexpr int64_t accumulatorBytes = 4;
/// Bytes that one step along K takes from a panel, as the tile reads it (codes are decoded to f32 before).
int64_t panelStepBytes(const KernelForm &form);
mlir::Type accumulatorType(Emitter &e, const KernelForm &form);

/// Where a register tile finds its operands. Strides are in bytes, pointers too are to the tile's first element.
struct TileOperands {
  mlir::Value a, aStride;
  mlir::Value b;
  mlir::Value depth; ///< steps along K
  mlir::Value init, initStride;
  mlir::Value c, cStride;
  mlir::Value columns; ///< valid columns from c on; more than the tile's width means all are
  /// K in so many segments of `depth` steps, whose parts of a's rows lie `aSegment` bytes apart; null: one.
  mlir::Value segments, aSegment;
};

/// c[rows × vectors * lanes] = init + a · b, of the panel's first vectors. Loads and stores of init and c stay within `columns`.
void emitTile(Emitter &e, const KernelForm &form, int64_t rows, int64_t vectors, const TileOperands &operands);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_MICROKERNEL_H
