// Passes that every target's code generation shares.
#ifndef QOPT_CODEGEN_COMMON_PASSES
#define QOPT_CODEGEN_COMMON_PASSES

include "mlir/Pass/PassBase.td"

def RecordSignaturePass : Pass<"qopt-record-signature", "::mlir::ModuleOp"> {
  let summary = "Note the names and types of the entry's inputs and outputs in the module";
  let description = [{
    Later passes change the types of `@main` (unsigned integers become signless, tensors become buffers), so what a caller has
    to know is kept in the module attribute `qopt.signature`. Names come from the `nn.name` attributes of arguments and results,
    names of dims from `nn.dims`; a value without a name is called `input0`, `output0`, ….

    ```mlir
    func.func @main(%x: tensor<?x4xui8> {nn.name = "x"}) -> (tensor<?x4xf32> {nn.name = "y"})
    // becomes
    module attributes {qopt.signature = {inputs = [{name = "x", type = tensor<?x4xui8>} ],
                                         outputs = [{name = "y", type = tensor<?x4xf32>} ]}}
    ```

    Inputs are also marked `bufferization.writable = false`: the caller's memory is never written.
  }];
}

def ExternalizeConstantsPass : Pass<"qopt-externalize-constants", "::mlir::ModuleOp"> {
  let summary = "Take the bytes of larger constants out of the program";
  let description = [{
    A `memref.global` of more than `min-bytes` loses its value and becomes an external symbol; the value moves to the module
    attribute `qopt.constants`. The JIT binds the symbol to the mapped bytes, a shared object to its read-only data: weights
    are neither copied nor seen by LLVM. Globals of equal values become one.

    ```mlir
    memref.global "private" constant @__constant_1024xf32 : memref<1024xf32> = dense_resource<w>
    // becomes
    module attributes {qopt.constants = {qopt_constant_0 = dense_resource<w> : tensor<1024xf32>}}
    memref.global @qopt_constant_0 : memref<1024xf32>
    ```
  }];
  let options = [Option<"minBytes", "min-bytes", "int64_t", "64", "Smaller constants stay in the code">];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def FuseElementwisePass : Pass<"qopt-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Merge an elementwise op into its only consumer, unless that computes elements again";
  let description = [{
    As upstream's elementwise fusion, but a producer is not merged into a matrix product or another consumer that reads
    each of its elements several times.

    ```mlir
    %g = linalg.generic {gelu …} ins(%x)      // stays
    %y = linalg.generic {matmul …} ins(%g, %w)
    %a = linalg.generic {add …} ins(%y, %b)   // merged with
    %z = linalg.generic {mul …} ins(%a, %s)   // this
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::affine::AffineDialect"];
}

def CastSelectsPass : Pass<"qopt-cast-selects", "::mlir::func::FuncOp"> {
  let summary = "Choose between sizes as i64 instead of index";
  let description = [{
    Bufferization compares sizes by MLIR's value bounds, which follow both sides of an `arith.select` of indices: through the
    sizes of a deep model that takes exponential time. It does not look through casts.

    ```mlir
    %n = arith.select %c, %a, %b : index
    // becomes
    %0 = arith.index_cast %a : index to i64
    %1 = arith.index_cast %b : index to i64
    %2 = arith.select %c, %0, %1 : i64
    %n = arith.index_cast %2 : i64 to index
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def PlaceOutputsPass : Pass<"qopt-place-outputs", "::mlir::ModuleOp"> {
  let summary = "Give every result of the entry an allocation of its own";
  let description = [{
    A returned buffer is marked `qopt.output` at its `memref.alloc`, so that it comes from the memory that the caller will own.
    What is not an allocation of `@main`'s own body (an argument, a constant, a part of a buffer, a buffer that is returned
    twice) is copied into one.

    ```mlir
    func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
      return %x : memref<4xf32>
    }
    // becomes
    func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
      %0 = memref.alloc() {qopt.output} : memref<4xf32>
      memref.copy %x, %0 : memref<4xf32> to memref<4xf32>
      return %0 : memref<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def PlaceDeallocsPass : Pass<"qopt-place-deallocs", "::mlir::func::FuncOp"> {
  let summary = "Free each buffer after its last use";
  let description = [{
    A `memref.dealloc` goes behind the last op of the allocation's block that uses the buffer or a view of it, in nested
    regions too. A buffer that leaves its block (returned, yielded, carried by a loop) gets none: the runtime takes back what a
    run has not freed.

    ```mlir
    %a = memref.alloc() : memref<4xf32>
    linalg.exp ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
    linalg.add ins(%a, %x : memref<4xf32>, memref<4xf32>) outs(%y : memref<4xf32>)
    // becomes
    %a = memref.alloc() : memref<4xf32>
    linalg.exp ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
    linalg.add ins(%a, %x : memref<4xf32>, memref<4xf32>) outs(%y : memref<4xf32>)
    memref.dealloc %a : memref<4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def PlanMemoryPass : Pass<"qopt-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Let buffers of fixed size share one arena";
  let description = [{
    The allocations of fixed size in the function's own block, each with its `memref.dealloc`, get places in one buffer: the
    largest first, each at the lowest place that no buffer alive at the same time covers (greedy by size, as in Pisarchyk and Lee,
    arXiv 2001.03288). Buffers of dynamic size stay with the runtime, which caches them.

    ```mlir
    %a = memref.alloc() : memref<1024xf32>
    // becomes
    %arena = memref.alloc() {alignment = 64 : i64} : memref<8192xi8>
    %a = memref.view %arena[%c4096][] : memref<8192xi8> to memref<1024xf32>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

#endif
