// RUN: qopt-opt %s --qcpu-tile-and-fuse --canonicalize | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// The addition runs inside the tile and writes to the tile's place in the result.
// CHECK-LABEL: @residual
// CHECK: scf.forall (%[[ROW:.*]]) = (0) to (%{{.*}}) step (48)
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
// CHECK: scf.forall (%{{.*}}, %[[COLUMN:.*]]) = (0, 0) to (%{{.*}}, 1536) step (48, 384)
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
