// Passes from buffers to the LLVM dialect for a CPU.
#ifndef QOPT_CODEGEN_CPU_PASSES
#define QOPT_CODEGEN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def AddEntryPass : Pass<"qopt-add-entry", "::mlir::ModuleOp"> {
  let summary = "Thread the runtime's context through all functions and add the entry point";
  let description = [{
    Every function with a body takes the context (`!llvm.ptr`) as its first argument. `@qopt_entry(ctx, inputs, outputs)` has
    the ABI of `qopt_entry_fn`: it makes buffers from `qopt_tensor`s, calls `@main`, and fills in the outputs.

    ```mlir
    func.func @main(%x: memref<?xf32>) -> memref<?xf32>
    // becomes
    func.func private @main(%ctx: !llvm.ptr, %x: memref<?xf32>) -> memref<?xf32>
    func.func @qopt_entry(%ctx: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr)
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"];
}

def ConvertToLLVMPass : Pass<"qopt-convert-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert everything that is left to the LLVM dialect";
  let description = [{
    As the upstream conversions do, but memory comes from the runtime (`qopt_rt_alloc`, or `qopt_rt_alloc_output` for
    what is marked `qopt.output`), and a failed `cf.assert` ends the run with its message through `qopt_rt_raise`.

    ```mlir
    memref.dealloc %a : memref<4xf32>
    // becomes
    llvm.call @qopt_rt_free(%ctx, %allocated) : (!llvm.ptr, !llvm.ptr) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif
