// RUN: qopt-opt %s --qopt-expand-dynamic-scales --split-input-file | FileCheck %s

// CHECK-LABEL: func @tokens
// CHECK: %[[A:.*]] = nn.abs %arg0
// CHECK: %[[M:.*]] = nn.reduce_max %[[A]] {axes = array<i64: 1>{{.*}}} : (tensor<?x64xf32>) -> tensor<?x1xf32>
// CHECK: %[[D:.*]] = nn.div %[[M]], %{{.*}}
// CHECK: %[[N:.*]] = nn.max %[[D]], %{{.*}}
// CHECK: %[[Z:.*]] = nn.equal %[[M]], %{{.*}}
// CHECK: %[[S:.*]] = nn.where %[[Z]], %{{.*}}, %[[N]]
// CHECK: return %[[S]]
func.func @tokens(%x: tensor<?x64xf32>) -> tensor<?x1xf32> {
  %s = qopt.dynamic_scale %x {axis = 1 : i64, block_size = 64 : i64, top = 127.0 : f32} : (tensor<?x64xf32>) -> tensor<?x1xf32>
  return %s : tensor<?x1xf32>
}

// -----

// A tensor's scale looks at its finite values.
// CHECK-LABEL: func @tensor
// CHECK: %[[A:.*]] = nn.abs %arg0
// CHECK: %[[F:.*]] = nn.less %[[A]], %{{.*}}
// CHECK: %[[V:.*]] = nn.where %[[F]], %[[A]], %{{.*}}
// CHECK: nn.reduce_max %[[V]] {axes = array<i64: 0, 1>, keepdims = false} : (tensor<?x64xf32>) -> tensor<f32>
func.func @tensor(%x: tensor<?x64xf32>) -> tensor<f32> {
  %s = qopt.dynamic_scale %x {top = 127.0 : f32} : (tensor<?x64xf32>) -> tensor<f32>
  return %s : tensor<f32>
}

// -----

// CHECK-LABEL: func @stays
// CHECK: qopt.dynamic_scale {{.*}}block_size = 32
// CHECK: qopt.dynamic_scale {{.*}}f8E8M0FNU
func.func @stays(%x: tensor<?x64xf32>) -> (tensor<?x2xf32>, tensor<?x1xf8E8M0FNU>) {
  %g = qopt.dynamic_scale %x {axis = 1 : i64, block_size = 32 : i64, top = 127.0 : f32} : (tensor<?x64xf32>) -> tensor<?x2xf32>
  %e = qopt.dynamic_scale %x {axis = 1 : i64, block_size = 64 : i64, top = 6.0 : f32} : (tensor<?x64xf32>) -> tensor<?x1xf8E8M0FNU>
  return %g, %e : tensor<?x2xf32>, tensor<?x1xf8E8M0FNU>
}
