// RUN: qopt-opt %s --qcpu-tile-and-fuse --canonicalize | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// The addition runs inside the tile and writes to the tile's place in the result.
// CHECK-LABEL: @residual
// CHECK: scf.forall (%[[ROW:.*]]) = (0) to (%{{.*}}) step (32)
// CHECK: %[[Y:.*]] = qcpu.gemm
// CHECK: linalg.generic {{.*}} ins(%[[Y]], %
// CHECK: tensor.parallel_insert_slice
// CHECK: return
func.func @residual(%x: tensor<?x64xf32>, %w: tensor<2x64x16xf32>, %r: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%m) : tensor<?x32xf32>
  %y = qcpu.gemm %x, %w outs %e {kernel = "f32.avx2"} : (tensor<?x64xf32>, tensor<2x64x16xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %f = tensor.empty(%m) : tensor<?x32xf32>
  %z = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%y, %r : tensor<?x32xf32>, tensor<?x32xf32>) outs(%f : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// A wide product is cut along its columns as well, by whole panels.
// CHECK-LABEL: @wide
// CHECK: scf.forall (%{{.*}}, %[[COLUMN:.*]]) = (0, 0) to (%{{.*}}, 1536) step (32, 384)
// CHECK: tensor.extract_slice %arg1[%{{.*}}, 0, 0] [24, 64, 16]
func.func @wide(%x: tensor<?x64xf32>, %w: tensor<96x64x16xf32>) -> tensor<?x1536xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%m) : tensor<?x1536xf32>
  %y = qcpu.gemm %x, %w outs %e {kernel = "f32.avx2"} : (tensor<?x64xf32>, tensor<96x64x16xf32>, tensor<?x1536xf32>) -> tensor<?x1536xf32>
  return %y : tensor<?x1536xf32>
}

// A product that is used elsewhere, too, stays whole.
// CHECK-LABEL: @used_twice
// CHECK: scf.forall
// CHECK-NOT: linalg.generic
// CHECK: }
// CHECK: linalg.generic
func.func @used_twice(%x: tensor<96x64xf32>, %w: tensor<2x64x16xf32>) -> (tensor<96x32xf32>, tensor<96x32xf32>) {
  %e = tensor.empty() : tensor<96x32xf32>
  %y = qcpu.gemm %x, %w outs %e {kernel = "f32.avx2"} : (tensor<96x64xf32>, tensor<2x64x16xf32>, tensor<96x32xf32>) -> tensor<96x32xf32>
  %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%y : tensor<96x32xf32>) outs(%e : tensor<96x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<96x32xf32>
  return %y, %z : tensor<96x32xf32>, tensor<96x32xf32>
}

// A product of computed matrices is cut along its own rows, whatever dim of the result they are: its second factor is packed for each head.
// CHECK-LABEL: @heads
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %{{.*}}) = (0, 0, 0) to (2, 96, 12) step (1, 48, 1)
// CHECK: qcpu.batch_matmul {{.*}}tensor<1x1x48x96xf32>
func.func @heads(%p: tensor<2x12x96x96xf32>, %v: tensor<2x96x12x32xf32>) -> tensor<2x96x12x32xf32> {
  %e = tensor.empty() : tensor<2x96x12x32xf32>
  %y = qcpu.batch_matmul %p, %v outs %e {kernel = "f32.avx2", a_perm = array<i64: 0, 1, 2, 3>, b_perm = array<i64: 0, 2, 1, 3>, out_perm = array<i64: 0, 2, 1, 3>}
    : (tensor<2x12x96x96xf32>, tensor<2x96x12x32xf32>, tensor<2x96x12x32xf32>) -> tensor<2x96x12x32xf32>
  return %y : tensor<2x96x12x32xf32>
}
