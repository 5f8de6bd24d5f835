// RUN: qopt-opt %s --qopt-place-outputs | FileCheck %s

// An allocation of the entry's own body is marked; an argument and a second use of one buffer are copied.
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = memref.alloc() {qopt.output} : memref<4xf32>
// CHECK: %[[X:.*]] = memref.alloc() {qopt.output} : memref<4xf32>
// CHECK: memref.copy %arg0, %[[X]]
// CHECK: %[[B:.*]] = memref.alloc() {qopt.output} : memref<2x2xf32>
// CHECK: memref.copy %{{.*}}, %[[B]]
// CHECK: return %[[A]], %[[X]], %[[B]]
func.func @main(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>, memref<2x2xf32>) {
  %a = memref.alloc() : memref<4xf32>
  memref.copy %x, %a : memref<4xf32> to memref<4xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  return %a, %x, %v : memref<4xf32>, memref<4xf32>, memref<2x2xf32>
}
