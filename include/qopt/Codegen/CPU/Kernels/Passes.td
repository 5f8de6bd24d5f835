#ifndef QOPT_CODEGEN_CPU_KERNELS_PASSES
#define QOPT_CODEGEN_CPU_KERNELS_PASSES

include "mlir/Pass/PassBase.td"

def QCPUEmitKernels : Pass<"qcpu-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Generate kernels by name (for tests and benches of kernels alone)";
  let options = [ListOption<"kernels", "kernels", "std::string", "gemm, conv, depthwise or batch, ':' and a row, e.g. gemm:f32.avx2">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect"];
}

#endif
