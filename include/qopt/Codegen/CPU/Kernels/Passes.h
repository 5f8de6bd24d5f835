//===- Passes.h - Layout, kernel selection, fusion, kernels -------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_PASSES_H
#define QOPT_CODEGEN_CPU_KERNELS_PASSES_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir {
class ModuleOp;
namespace func {
class FuncOp;
}
} // namespace mlir

namespace qopt::qcpu {

#define GEN_PASS_DECL
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "qopt/Codegen/CPU/Kernels/Passes.h.inc"

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_PASSES_H
