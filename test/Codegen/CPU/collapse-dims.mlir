// RUN: qopt-opt %s --qopt-collapse-dims | FileCheck %s

#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#last = affine_map<(d0, d1, d2) -> (d2)>
#swap = affine_map<(d0, d1, d2) -> (d1, d0, d2)>

// A bias along the last dim leaves two loops.
// CHECK-LABEL: func.func @bias
// CHECK: memref.collapse_shape %arg0 {{\[}}[0, 1], [2]] : memref<?x?x8xf32> into memref<?x8xf32>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
func.func @bias(%x: memref<?x?x8xf32>, %b: memref<8xf32>, %y: memref<?x?x8xf32>) {
  linalg.generic {indexing_maps = [#id, #last, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %b : memref<?x?x8xf32>, memref<8xf32>) outs(%y : memref<?x?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  }
  return
}

// A transpose cannot be merged.
// CHECK-LABEL: func.func @transpose
// CHECK-NOT: collapse_shape
func.func @transpose(%x: memref<2x?x8xf32>, %y: memref<?x2x8xf32>) {
  linalg.generic {indexing_maps = [#id, #swap], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<2x?x8xf32>) outs(%y : memref<?x2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}
