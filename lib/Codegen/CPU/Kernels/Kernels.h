//===- Kernels.h - Whole kernels as functions over pointers and sizes ---------===//
//
// A kernel is generic in all sizes; its name says kind, row of the table and sign of the activations. Pointers are
// !llvm.ptr, everything else is i64; strides and offsets count elements. Results are written whole, no other memory is.
//
//   gemm       (a, lda, b, init, c, ldc, m, n, k)          b packed; init: null or n values, padded to whole panels
//              f32 by codes: (a, lda, b, scales, zeros, group, init, …), scales and zeros (null: none, or 8 for codes of 4 bits)
//              packed by panels, one row of nr for each group
//   batch      (a, lda, b, ldb, c, ldc, m, n, k)           b is k × n
//   batch_t    (a, lda, b, ldb, c, ldc, m, n, k)           b is n × k
//   conv       (x, w, init, c, ldc, n, ConvShape…)         c's rows are the pixels (h, w) of one image's tile; w packed
//   depthwise  (x, w, init, c, ldc, n, ConvShape…)         w is taps × ldw; n channels from x's `channel` on
//
// ConvShape: rows, cols (of the tile), row0, col0 (of its first pixel), height, width, channels (of x), window h and w,
// strides h and w, dilations h and w, pads top and left, pad value, channel, ldw.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_KERNELS_H
#define QOPT_CODEGEN_CPU_KERNELS_KERNELS_H

#include "Emitter.h"
#include "qopt/Codegen/CPU/Kernels/KernelTable.h"
#include "mlir/IR/BuiltinOps.h"

namespace qopt::qcpu {

enum class KernelKind { Gemm, Batch, BatchTransposed, Conv, Depthwise };

/// The order of ConvShape's values in a kernel's arguments, from the first after n.
enum ConvArgument : unsigned {
  Rows, Cols, Row0, Col0, Height, Width, Channels, WindowH, WindowW, StrideH, StrideW, DilationH, DilationW,
  PadTop, PadLeft, PadValue, Channel, WeightStride, ConvArgumentCount
};

/// Bytes of an activation in memory.
inline int64_t activationBytes(const KernelForm &form) { return form.operands == Operands::Int8 ? 1 : 4; }
/// Of a weight that is a whole number of bytes.
inline int64_t weightBytes(const KernelForm &form) { return form.operands == Operands::F32 ? 4 : 1; }

/// The kernel's function, generated on first use.
mlir::func::FuncOp getOrEmitKernel(mlir::ModuleOp module, KernelKind kind, const KernelForm &form, bool aUnsigned);

// One per file; `arguments` are the function's.
void emitGemm(Emitter &e, const KernelForm &form, bool aUnsigned, mlir::ValueRange arguments);
void emitBatch(Emitter &e, const KernelForm &form, bool transposed, mlir::ValueRange arguments);
void emitConv(Emitter &e, const KernelForm &form, bool aUnsigned, mlir::ValueRange arguments);
void emitDepthwise(Emitter &e, const KernelForm &form, bool aUnsigned, mlir::ValueRange arguments);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_KERNELS_H
