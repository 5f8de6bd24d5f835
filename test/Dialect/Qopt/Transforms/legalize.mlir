// RUN: qopt-opt %s --qopt-legalize --split-input-file | FileCheck %s

// CHECK-LABEL: func @matmul
// CHECK: %[[S:.*]] = nn.constant dense<[5.000000e-01, 1.000000e+00]>
// CHECK: %[[ACC:.*]] = qopt.integer_matmul %{{.*}}, %{{.*}} zero_point_a %{{.*}} : (tensor<?x2xui8>, tensor<2x2xi8>, tensor<ui8>) -> tensor<?x2xi32>
// CHECK: %[[F:.*]] = nn.cast %[[ACC]]
// CHECK: nn.mul %[[F]], %[[S]]
func.func @matmul(%q: tensor<?x2xui8>) -> tensor<?x2xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %ws = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %d = qopt.dequantize %q, %s, %z : (tensor<?x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws {axis = 1 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %y = nn.matmul %d, %wd : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// 4-bit weights with a scale per channel run in 8 bits; in groups they do not, nor without quantized activations.
// CHECK-LABEL: func @narrow
// CHECK-DAG: %[[W:.*]] = nn.constant dense<{{\[}}[1, 15], [3, 0]]> : tensor<2x2xi8>
// CHECK-DAG: %[[Z:.*]] = nn.constant dense<[8, 7]> : tensor<2xi8>
// CHECK-DAG: qopt.dequantize {{.*}}tensor<2x2xui4>
// CHECK-DAG: qopt.integer_matmul %{{.*}}, %[[W]] zero_point_b %[[Z]]
func.func @narrow(%q: tensor<?x2xi8>, %s: tensor<?x1xf32>, %x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = nn.constant dense<[[1, 15], [3, 0]]> : tensor<2x2xui4>
  %ws = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %wz = nn.constant dense<[8, 7]> : tensor<2xui4>
  %d = qopt.dequantize %q, %s {axis = 1 : i64, block_size = 2 : i64} : (tensor<?x2xi8>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws, %wz {axis = 1 : i64} : (tensor<2x2xui4>, tensor<2xf32>, tensor<2xui4>) -> tensor<2x2xf32>
  %wf = qopt.dequantize %w, %ws, %wz {axis = 1 : i64} : (tensor<2x2xui4>, tensor<2xf32>, tensor<2xui4>) -> tensor<2x2xf32>
  %y = nn.matmul %d, %wd : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %f = nn.matmul %x, %wf : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y, %f : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// The bias is added after the scales, along the channel dim.
// CHECK-LABEL: func @conv
// CHECK: %[[ACC:.*]] = qopt.integer_conv
// CHECK: nn.mul {{.*}} : (tensor<?x2x4x4xf32>, tensor<2x1x1xf32>)
// CHECK: nn.add {{.*}} : (tensor<?x2x4x4xf32>, tensor<2x1x1xf32>)
func.func @conv(%q: tensor<?x2x4x4xui8>) -> tensor<?x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]]]> : tensor<2x2x1x1xi8>
  %ws = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[7.0, 8.0]> : tensor<2xf32>
  %d = qopt.dequantize %q, %s, %z : (tensor<?x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2x4x4xf32>
  %wd = qopt.dequantize %w, %ws {axis = 0 : i64} : (tensor<2x2x1x1xi8>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  %y = nn.conv %d, %wd, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  return %y : tensor<?x2x4x4xf32>
}

// -----

// Codes move through a pool and a reshape without a round trip.
// CHECK-LABEL: func @moves
// CHECK-NOT: qopt.quantize
// CHECK: nn.max_pool {{.*}} : (tensor<1x2x4x4xui8>) -> tensor<1x2x2x2xui8>
// CHECK: nn.flatten {{.*}} : (tensor<1x2x2x2xui8>) -> tensor<1x8xui8>
// CHECK-NOT: qopt.dequantize
func.func @moves(%q: tensor<1x2x4x4xui8>) -> tensor<1x8xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %d = qopt.dequantize %q, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %p = nn.max_pool %d {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %f = nn.flatten %p {axis = 1 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x8xf32>
  %o = qopt.quantize %f, %s, %z : (tensor<1x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x8xui8>
  return %o : tensor<1x8xui8>
}

// -----

// A group scale lies inside of the sum: the product stays in float, with a remark and a record.
// CHECK: module attributes {qopt.decisions = [{code = "LEGAL-FORM"
module {
  // CHECK-LABEL: func @grouped
  // CHECK: nn.matmul
  func.func @grouped(%q: tensor<4x4xui8>) -> tensor<4x2xf32> {
    %s = nn.constant dense<0.5> : tensor<f32>
    %z = nn.constant dense<3> : tensor<ui8>
    %w = nn.constant dense<1> : tensor<4x2xi8>
    %ws = nn.constant dense<1.0> : tensor<2x2xf32>
    %d = qopt.dequantize %q, %s, %z : (tensor<4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x4xf32>
    %wd = qopt.dequantize %w, %ws {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xi8>, tensor<2x2xf32>) -> tensor<4x2xf32>
    %y = nn.matmul %d, %wd : (tensor<4x4xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
    return %y : tensor<4x2xf32>
  }
}
