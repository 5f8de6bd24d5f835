// From a model's graph to the LLVM dialect for a CPU.
#pragma once
#include "qopt/Pipelines/Phase.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mlir {
class ModuleOp;
class OpPassManager;
} // namespace mlir

namespace qopt {

struct CPUOptions {
  /// See findCPUTarget.
  std::string target = "host";
};

/// The whole lowering: graph (nn, qopt, tosa, or linalg on tensors) → linalg on tensors → buffers → loops → the LLVM dialect.
/// The module's graph is `@main`; what callers need to know of it ends in `qopt.signature`.
void buildLoweringPipeline(mlir::OpPassManager &pm, const CPUOptions &options);

/// The part of it that ends with `last`, verified at each phase's border. Nothing for a phase before `legalized`.
void buildLoweringTo(Phase last, mlir::OpPassManager &pm, const CPUOptions &options);

/// The stages of it, in this order.
void buildLegalizeStage(mlir::OpPassManager &pm, const CPUOptions &options); // quantize/dequantize pairs → integer compute
void buildGraphStage(mlir::OpPassManager &pm, const CPUOptions &options);  // nn, qopt, tosa → linalg on tensors
void buildTensorStage(mlir::OpPassManager &pm, const CPUOptions &options); // fusion, clean-up
void buildBufferStage(mlir::OpPassManager &pm, const CPUOptions &options); // tensors → buffers with places
void buildLoopStage(mlir::OpPassManager &pm, const CPUOptions &options);   // linalg → loops, kernels, threads
void buildLLVMStage(mlir::OpPassManager &pm, const CPUOptions &options);   // → the LLVM dialect

/// Runs `pipeline` on the module. What MLIR reports on the way becomes the error's sentence.
llvm::Error lowerForCPU(mlir::ModuleOp module, const CPUOptions &options);

} // namespace qopt
