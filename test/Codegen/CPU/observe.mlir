// RUN: qopt-opt %s --qopt-lower-observe | FileCheck %s

// CHECK: %[[B:.*]] = bufferization.to_buffer %{{.*}} read_only
// CHECK: call @qopt_observe_0(%[[B]], %{{.*}}) : (memref<?x4xf32, strided<[?, ?], offset: ?>>, i32) -> ()
// CHECK: func.func private @qopt_observe_0({{.*}}) attributes {qopt.needs_context, qopt.observe = 1 : i32}
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  qopt.observe %x, "x", 3 : tensor<?x4xf32>
  return %x : tensor<?x4xf32>
}
