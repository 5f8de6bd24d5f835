// RUN: qopt-opt %s --qopt-outline-kernels --canonicalize | FileCheck %s

// The second operand of a dispatch is the cycles of one iteration.

// A kernel's work is the product of the marked arguments over the rate: 48 * 384 * 64 / 16. Rows of the last tile count as a whole tile's.
// CHECK-LABEL: func.func @tiles
func.func @tiles(%p: !llvm.ptr, %tiles: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 384 : i64
  %k = arith.constant 64 : i64
  // CHECK: %[[CYCLES:.*]] = arith.constant 737{{[0-9][0-9]}} : index
  // CHECK: call @qopt_kernel_0.dispatch(%{{.*}}, %[[CYCLES]],
  scf.parallel (%i) = (%c0) to (%tiles) step (%c1) {
    %rows = affine.min affine_map<(d0) -> (48, d0 * -48 + 1000)>(%i)
    %m = arith.index_cast %rows : index to i64
    func.call @gemm(%p, %m, %n, %k) : (!llvm.ptr, i64, i64, i64) -> ()
  }
  return
}

// A size that is known before the loop is part of the estimate.
// CHECK-LABEL: func.func @rows
func.func @rows(%x: memref<?x?xf32>, %rows: index, %columns: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %[[WORK:.*]] = arith.divui %arg2, %{{.*}}
  // CHECK: %[[CYCLES:.*]] = arith.addi %[[WORK]], %{{.*}}
  // CHECK: call @qopt_kernel_1.dispatch(%{{.*}}, %[[CYCLES]],
  scf.parallel (%i) = (%c0) to (%rows) step (%c1) {
    scf.for %j = %c0 to %columns step %c1 {
      %v = memref.load %x[%i, %j] : memref<?x?xf32>
      %w = arith.addf %v, %v : f32
      memref.store %w, %x[%i, %j] : memref<?x?xf32>
    }
  }
  return
}

// A chunk of iterations: its length, not where it ends.
// CHECK-LABEL: func.func @chunks
func.func @chunks(%x: memref<?xf32>, %chunks: index, %grain: index, %size: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: arith.divui %arg2, %{{.*}}
  scf.parallel (%i) = (%c0) to (%chunks) step (%c1) {
    %begin = arith.muli %i, %grain : index
    %full = arith.addi %begin, %grain : index
    %end = arith.minui %full, %size : index
    scf.for %j = %begin to %end step %c1 {
      %v = memref.load %x[%j] : memref<?xf32>
      %w = arith.addf %v, %v : f32
      memref.store %w, %x[%j] : memref<?xf32>
    }
  }
  return
}

func.func private @gemm(!llvm.ptr, i64, i64, i64) attributes {qopt.work = array<i64: 16, 1, 2, 3>}
