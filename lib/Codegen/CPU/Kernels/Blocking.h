//===- Blocking.h - Cache blocking around the register tiles -------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_BLOCKING_H
#define QOPT_CODEGEN_CPU_KERNELS_BLOCKING_H

#include "MicroKernel.h"

namespace qopt::qcpu {

/// A product c = init + a · b, in blocks. Sizes and strides in elements.
struct Product {
  mlir::Value init; ///< null, or n values padded to whole panels
  mlir::Value c, ldc;
  mlir::Value m, n, k;
};

/// Rows [row, row + rows) × steps from element k0 of K on: where a's block starts and the distance of its rows in bytes. The block's K may
/// be cut in segments of equal length, whose parts of a row lie `segmentBytes` apart; null: it is one.
struct ABlock {
  mlir::Value address, rowBytes;
  mlir::Value segments, segmentBytes, segmentSteps;
};
/// Makes a block of a: either its own address in place, or a copy in the form that the register tile reads.
using ABlockSource = llvm::function_ref<ABlock(mlir::Value row, mlir::Value rows, mlir::Value k0, mlir::Value depth)>;
/// The panel of columns [column, column + nr) from element k0 of K on, `depth` elements deep.
using PanelSource = llvm::function_ref<mlir::Value(mlir::Value column, mlir::Value k0, mlir::Value depth)>;

struct Blocks {
  int64_t rows;  ///< rows of an a block, a multiple of mr
  int64_t depth; ///< elements along K, a multiple of kPack
};
/// The same, known at run time.
struct BlockSizes {
  mlir::Value rows, depth;

  BlockSizes(mlir::Value rows, mlir::Value depth) : rows(rows), depth(depth) {}
  BlockSizes(Emitter &e, const Blocks &blocks) : rows(e.index(blocks.rows)), depth(e.index(blocks.depth)) {}
};

/// For each block of rows, each block along K: make a's block, then each panel, then each register tile.
void emitPreparedProduct(Emitter &e, const KernelForm &form, const BlockSizes &blocks, const Product &product,
                         ABlockSource aBlock, PanelSource panel);
/// For each block of rows, each panel, each block along K: make the panel, then each register tile. a is read in place.
void emitDirectProduct(Emitter &e, const KernelForm &form, const BlockSizes &blocks, const Product &product,
                       ABlockSource aBlock, PanelSource panel);

/// A panel of packed weights; Weight8 ones are converted to f32 in `scratch`.
mlir::Value packedPanel(Emitter &e, const KernelForm &form, mlir::Value packed, mlir::Value k, mlir::Value column,
                        mlir::Value k0, mlir::Value depth, mlir::Value scratch);
/// Packed weights of 8 or 4 bits whose scales and zero points change every `group` elements along K (QCPUOps.td).
struct PackedCodes {
  mlir::Value codes, scales, zeros, group, k;
};
/// A panel of them, decoded to f32 in `scratch`: each code less its zero point, times the scale of its column and group.
mlir::Value decodedPanel(Emitter &e, const KernelForm &form, const PackedCodes &weights, mlir::Value column, mlir::Value k0,
                         mlir::Value depth, mlir::Value scratch);
/// Stack room for a converted panel, null when none is needed.
mlir::Value panelScratch(Emitter &e, const KernelForm &form, const Blocks &blocks);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_BLOCKING_H
