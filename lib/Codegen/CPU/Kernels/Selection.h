//===- Selection.h - Lowerings that choose kernels ------------------------------===//
//
// Each gives qcpu ops (and elementwise ops beside them) or nothing; then the generic lowering takes the op.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_SELECTION_H
#define QOPT_CODEGEN_CPU_KERNELS_SELECTION_H

#include "Weights.h"
#include "qopt/Conversion/Common/LoweringTable.h"

namespace qopt::qcpu {

void addMatMulKernels(LoweringTable &table, const CpuFeatures &features);
void addConvKernels(LoweringTable &table, const CpuFeatures &features);
void addIntegerKernels(LoweringTable &table, const CpuFeatures &features);

/// a (lowered) times packed weights; `original` is the op's result in the graph, `dims` a's sizes.
mlir::Value emitGemmOp(qopt::Emitter &e, mlir::Value a, bool aUnsigned, mlir::Value result, mlir::Value packed, int64_t columns,
                       mlir::Value init, const KernelForm &form, mlir::Type accumulator, qopt::Values dims);

/// A 2-D convolution with constant weights in NXC layout, float or integer alike.
struct ConvSite {
  mlir::Value x, result;
  mlir::Value w;
  llvm::ArrayRef<int64_t> strides, dilations, pads;
  llvm::StringRef autoPad, layout;
  int64_t group;
};

/// What kind of kernel a convolution can have.
enum class ConvKind { None, Product, Dense, Depthwise };
ConvKind classifyConv(const ConvSite &site);
/// Emits it. `weights` (window × channels rows, outputs as columns; window × channels for Depthwise) and `init` are the form's.
mlir::Value emitConvOp(qopt::Emitter &e, const ConvSite &site, ConvKind kind, mlir::Value weights, int64_t outputs,
                       mlir::Value init, mlir::Value pad, const KernelForm &form, mlir::Type accumulator);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_SELECTION_H
