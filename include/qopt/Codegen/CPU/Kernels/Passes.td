#ifndef QOPT_CODEGEN_CPU_KERNELS_PASSES
#define QOPT_CODEGEN_CPU_KERNELS_PASSES

include "mlir/Pass/PassBase.td"

def NNToNXC : Pass<"nn-to-nxc"> {
  let summary = "Bring convolutions and what lies between them to channels-last layout";
  let description = [{
    Kernels read all channels of a pixel from one place. 2-D convolutions with constant weights work on N×H×W×C, with transposes at
    both ends; transposes then sink through elementwise ops, quantize and dequantize, pools, concat, pad, resize and reductions, and
    cancel where they meet, so that only the borders of the convolutional part keep theirs.

    ```mlir
    %y = nn.conv %x, %w {layout = "NCX", …} : (tensor<?x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x6x6xf32>
    // becomes
    %t = nn.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<?x3x8x8xf32>) -> tensor<?x8x8x3xf32>
    %u = nn.conv %t, %v {layout = "NXC", …} : (tensor<?x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<?x6x6x4xf32>
    %y = nn.transpose %u {perm = array<i64: 0, 3, 1, 2>} : (tensor<?x6x6x4xf32>) -> tensor<?x4x6x6xf32>
    ```
  }];
}

def QCPUDecodeWeights : Pass<"qcpu-decode-weights", "::mlir::func::FuncOp"> {
  let summary = "Decode constant weights that no kernel reads as codes";
  let description = [{
    Where a product or convolution computes in float with a dequantized constant, the constant is decoded once, here, to the bit as the
    program would do it in every run. Weights of integers of up to 8 bits with scales per tensor, column or group stay codes where only
    matrix products read them: kernels decode those a panel at a time, in cache.

    ```mlir
    %w = qopt.dequantize %q, %s : (tensor<2x1xf8E4M3FN>, tensor<f32>) -> tensor<2x1xf32>
    // becomes
    %w = nn.constant dense<[[1.5], [-2.0]]> : tensor<2x1xf32>
    ```
  }];
  let dependentDialects = ["::qopt::nn::NNDialect"];
}

def ConvertNNToQCPU : Pass<"convert-nn-to-qcpu", "::mlir::ModuleOp"> {
  let summary = "Lower nn and qopt ops to kernels where the target has them, to linalg elsewhere";
  let description = [{
    `convert-nn-to-linalg` with preferred forms: products and convolutions become qcpu ops with the first row of the kernel table that the
    target can run, their constant weights are packed, constant bias vectors and zero-point terms become the value that the sums start from.
    Transposes around products of computed matrices become permutations of the operands. A product or convolution that no kernel takes is
    lowered to generic loops, with a remark that ends in a reason code.

    ```mlir
    %w = nn.constant dense_resource<w> : tensor<384x1536xf32>
    %y = nn.matmul %x, %w : (tensor<?x384xf32>, tensor<384x1536xf32>) -> tensor<?x1536xf32>
    // becomes, for avx2 and fma
    %e = tensor.empty(%m) : tensor<?x1536xf32>
    %y = qcpu.gemm %x, %packed outs %e {kernel = "f32.avx2"}
      : (tensor<?x384xf32>, tensor<96x384x16xf32>, tensor<?x1536xf32>) -> tensor<?x1536xf32>
    ```
  }];
  let options = [Option<"features", "features", "std::string", "\"host\"", "CPU features of the target, as LLVM names them, or host">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::qopt::qcpu::QCPUDialect"
  ];
}

def QCPUTileAndFuse : Pass<"qcpu-tile-and-fuse", "::mlir::func::FuncOp"> {
  let summary = "Compute kernels tile by tile, with the ops that follow them inside the tile";
  let description = [{
    From the last op of a chain back: elementwise ops and reductions over rows that only this chain uses, down to the qcpu ops that
    feed them, are computed for one block of rows (and, where nothing reduces over a row, of columns) at a time in an `scf.forall`. The
    accumulators never leave the cache, and the loop over tiles is the parallel one.

    ```mlir
    %y = qcpu.gemm %x, %w outs %e {…} -> tensor<128x384xf32>
    %z = linalg.generic ins(%y, %r) … {arith.addf} -> tensor<128x384xf32>
    // becomes
    %z = scf.forall (%i) = (0) to (128) step (43) shared_outs(%o = %e) {
      %y = qcpu.gemm …
      %t = linalg.generic ins(%y, %r) …
      scf.forall.in_parallel { tensor.parallel_insert_slice %t into %o[%i, 0] … }
    }
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::affine::AffineDialect"];
}

def QCPULowerToCalls : Pass<"qcpu-lower-to-calls", "::mlir::ModuleOp"> {
  let summary = "Turn qcpu ops on memrefs into calls of generated kernels";
  let description = [{
    Every kernel that the module needs is generated once, as a private function over raw pointers and run-time sizes; the name says
    which row of the kernel table it is. Scratch memory that a kernel needs is allocated around the call.

    ```mlir
    qcpu.gemm %a, %b outs %c {kernel = "f32.avx2"} : (memref<8x64xf32>, memref<2x64x16xf32>, memref<8x32xf32>) -> ()
    // becomes
    call @qcpu_gemm_f32_avx2(%a, %lda, %b, %init, %c, %ldc, %m, %n, %k) : (!llvm.ptr, i64, …) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def QCPUEmitKernels : Pass<"qcpu-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Generate kernels by name (for tests and benches of kernels alone)";
  let description = [{
    A kernel stands as a function of the LLVM dialect beside what the module holds.

    ```mlir
    module {}
    // becomes, with kernels=gemm:f32.avx2
    module { llvm.func … }
    ```
  }];
  let options = [ListOption<"kernels", "kernels", "std::string", "gemm, conv, depthwise or batch, ':' and a row, e.g. gemm:f32.avx2">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect"];
}

#endif
