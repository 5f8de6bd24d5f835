// Passes from buffers to the LLVM dialect for a CPU.
#ifndef QOPT_CODEGEN_CPU_PASSES
#define QOPT_CODEGEN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def ExpandMathPass : Pass<"qopt-expand-math", "::mlir::func::FuncOp"> {
  let summary = "Write exp, log, tanh and erf as polynomials that vectorize";
  let description = [{
    Upstream's approximations of `exp`, `expm1`, `log`, `log1p`, `log2`, `tanh` and `erf` in f32 (f16 and bf16 are extended
    first). Other functions call libm, one element at a time.

    ```mlir
    %y = math.exp %x : f32
    // becomes
    … math.floor, math.fma, arith.shli, arith.select …
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def CollapseDimsPass : Pass<"qopt-collapse-dims", "::mlir::func::FuncOp"> {
  let summary = "Merge loops of linalg ops that walk through memory as one";
  let description = [{
    Neighbouring iteration dims of a `linalg.generic` on dense buffers that every operand indexes in the same order become one:
    an elementwise op of any rank turns into a single long loop.

    ```mlir
    linalg.generic {maps = [(d0, d1, d2) -> (d0, d1, d2), (d0, d1, d2) -> (d2)]} ins(%x : memref<?x?x384xf32>) …
    // becomes
    %0 = memref.collapse_shape %x [[0, 1], [2]] : memref<?x?x384xf32> into memref<?x384xf32>
    linalg.generic {maps = [(d0, d1) -> (d0, d1), (d0, d1) -> (d1)]} ins(%0 : memref<?x384xf32>) …
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"];
}

def LinalgToLoopsPass : Pass<"qopt-linalg-to-loops", "::mlir::func::FuncOp"> {
  let summary = "Turn linalg ops on buffers into loops that LLVM vectorizes, in chunks for threads";
  let description = [{
    The innermost loop walks through memory; results of inner reductions are carried in registers and may be
    reassociated; outer parallel dims become one `scf.parallel` whose iterations are chunks of some 10 µs. The chunks depend on
    the sizes only, so any number of threads gives the same bytes. Ops within a parallel loop become plain loops; loops at
    the top carry the unit attribute `qopt.kernel`.

    ```mlir
    linalg.generic {…} ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
    // becomes
    scf.parallel (%chunk) = (%c0) to (%chunks) step (%c1) {
      %begin = arith.muli %chunk, %grain : index
      scf.for %i = %begin to %end step %c1 { … }
    ```
  }];
  let options = [Option<"chunkCost", "chunk-cost", "int64_t", "65536", "Simple operations that a chunk is worth">];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect", "::mlir::affine::AffineDialect",
                           "::mlir::memref::MemRefDialect"];
}

def OutlineKernelsPass : Pass<"qopt-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move loops at the top of the program into functions of their own";
  let description = [{
    Each outermost `scf.parallel`, and each loop marked `qopt.kernel`, becomes a private function; equal loops share one. A
    buffer that no other operand of the kernel can overlap is marked `qopt.noalias`. Parallel loops are called through
    a declaration marked `qopt.dispatch`, which `qopt-lower-dispatch` defines, with the number of iterations and the cycles that one is
    estimated to take: counted from the loops' sizes, and from `qopt.work` on functions that are called. `qopt.site` numbers the calls for the profile,
    whose names stand in the module attribute `qopt.kernels`.

    ```mlir
    scf.parallel (%i) = (%c0) to (%n) step (%c1) { … %x, %y … }
    // becomes
    func.call @qopt_kernel_0.dispatch(%n, %cycles, %x, %y) {qopt.site = 0 : i32} : (index, index, memref<?xf32>, memref<?xf32>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::arith::ArithDialect"];
}

def LowerDispatchPass : Pass<"qopt-lower-dispatch", "::mlir::ModuleOp"> {
  let summary = "Define the functions that hand a kernel to the runtime's threads";
  let description = [{
    In the LLVM dialect, a `qopt.dispatch` declaration gets a body that packs its arguments into a struct on the stack and
    calls `qopt_rt_parallel_for` with a function that unpacks them and calls the kernel once for each index. The
    pointers that `qopt.noalias` lists become `llvm.noalias`.

    ```mlir
    llvm.func @k.dispatch(!llvm.ptr, i64, i64, !llvm.ptr) attributes {qopt.dispatch = @k}
    // becomes
    llvm.func @k.dispatch(%ctx: !llvm.ptr, %count: i64, %cost: i64, %x: !llvm.ptr) {
      …
      llvm.call @qopt_rt_parallel_for(%ctx, %body, %args, %count, %cost)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerObservePass : Pass<"qopt-lower-observe", "::mlir::ModuleOp"> {
  let summary = "Turn observers into calls that see a buffer";
  let description = [{
    The declarations are marked `qopt.observe` with the element type's code; `qopt-lower-dispatch` gives them bodies that call
    `qopt_rt_observe`.

    ```mlir
    qopt.observe %x, "layer0.in", 3 : tensor<?x4xf32>
    // becomes
    %0 = bufferization.to_buffer %x read_only : tensor<?x4xf32> to memref<?x4xf32, strided<[?, ?], offset: ?>>
    func.call @qopt_observe_0(%0, %c3_i32) : (memref<?x4xf32, strided<[?, ?], offset: ?>>, i32) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::func::FuncDialect",
                           "::mlir::arith::ArithDialect"];
}

def AddEntryPass : Pass<"qopt-add-entry", "::mlir::ModuleOp"> {
  let summary = "Thread the runtime's context through all functions and add the entry point";
  let description = [{
    Every function with a body takes the context (`!llvm.ptr`) as its first argument. `@qopt_entry(ctx, inputs, outputs)` has
    the ABI of `qopt_entry_fn`: it makes buffers from `qopt_tensor`s, calls `@main`, and fills in the outputs. Calls with `qopt.site` are bracketed by the runtime's profile.

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
