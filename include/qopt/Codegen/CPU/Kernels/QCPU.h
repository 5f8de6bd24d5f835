//===- QCPU.h - CPU kernels as destination-style ops -------------------------===//
//
// See QCPUOps.td for what the ops mean. They work on tensors (tile, fuse) and on memrefs (lower to calls).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_QCPU_H
#define QOPT_CODEGEN_CPU_KERNELS_QCPU_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "qopt/Codegen/CPU/Kernels/QCPUDialect.h.inc"

#define GET_OP_CLASSES
#include "qopt/Codegen/CPU/Kernels/QCPUOps.h.inc"

namespace qopt::qcpu {

/// Attaches the bufferization models; the dialect does so when it loads.
void attachBufferization(mlir::MLIRContext &context);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_QCPU_H
