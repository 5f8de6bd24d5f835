// RUN: qopt-opt %s --qopt-quantize-bias --split-input-file --verify-diagnostics | FileCheck %s

// Units are 0.5 * [0.5, 0.25]: 10.1 / 0.25 rounds to 40, -3.0625 / 0.125 = -24.5 to even.
// CHECK-LABEL: func @gemm
// CHECK-DAG: %[[Q:.*]] = nn.constant dense<[40, -24]> : tensor<2xi32>
// CHECK-DAG: %[[S:.*]] = nn.constant dense<[2.500000e-01, 1.250000e-01]> : tensor<2xf32>
// CHECK: %[[B:.*]] = qopt.dequantize %[[Q]], %[[S]] {axis = 0 : i64}
// CHECK: nn.gemm %{{.*}}, %{{.*}}, %[[B]]
func.func @gemm(%x: tensor<?x2xui8>) -> tensor<?x2xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %ws = nn.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %b = nn.constant dense<[10.1, -3.0625]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<?x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws {axis = 1 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %y = nn.gemm %xd, %wd, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// One scale for the whole weight: one for the bias.
// CHECK-LABEL: func @conv
// CHECK-DAG: %[[Q:.*]] = nn.constant dense<[8, -8]> : tensor<2xi32>
// CHECK-DAG: %[[S:.*]] = nn.constant dense<1.250000e-01> : tensor<f32>
// CHECK: %[[B:.*]] = qopt.dequantize %[[Q]], %[[S]] :
// CHECK: nn.conv %{{.*}}, %{{.*}}, %[[B]]
func.func @conv(%x: tensor<1x2x4x4xui8>) -> tensor<1x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]]]> : tensor<2x2x1x1xi8>
  %ws = nn.constant dense<0.25> : tensor<f32>
  %b = nn.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %wd = qopt.dequantize %w, %ws : (tensor<2x2x1x1xi8>, tensor<f32>) -> tensor<2x2x1x1xf32>
  %y = nn.conv %xd, %wd, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// 2^31 units and the sum do not fit, and the weight has one scale.
// CHECK-LABEL: func @overflow
// CHECK: %[[B:.*]] = nn.constant dense<[1.000000e+00, 2.14748365E+9]> : tensor<2xf32>
// CHECK: nn.gemm %{{.*}}, %{{.*}}, %[[B]]
func.func @overflow(%x: tensor<?x2xui8>) -> tensor<?x2xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %ws = nn.constant dense<1.0> : tensor<f32>
  %b = nn.constant dense<[1.0, 2147483648.0]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<?x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws : (tensor<2x2xi8>, tensor<f32>) -> tensor<2x2xf32>
  // expected-remark @below {{its bias stays in float: at output 1 it would overflow int32 in the units of the accumulator [BIAS-RANGE]}}
  %y = nn.gemm %xd, %wd, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// With a scale by channel the second one's gets coarser: 2^30 units of 0.5 * 4. Its weights, 4 and 2 times 2^-10, are 0 and 0 there.
// CHECK-LABEL: func @coarsened
// CHECK-DAG: %[[W:.*]] = nn.constant dense<{{\[\[}}1, 0], [3, 0]]> : tensor<2x2xi8>
// CHECK-DAG: %[[WS:.*]] = nn.constant dense<[5.000000e-01, 4.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[Q:.*]] = nn.constant dense<[4, 1073741824]> : tensor<2xi32>
// CHECK-DAG: %[[S:.*]] = nn.constant dense<[2.500000e-01, 2.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[WD:.*]] = qopt.dequantize %[[W]], %[[WS]] {axis = 1 : i64}
// CHECK-DAG: %[[B:.*]] = qopt.dequantize %[[Q]], %[[S]] {axis = 0 : i64}
// CHECK: nn.gemm %{{.*}}, %[[WD]], %[[B]]
func.func @coarsened(%x: tensor<?x2xui8>) -> tensor<?x2xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[1, 4], [3, 2]]> : tensor<2x2xi8>
  %ws = nn.constant dense<[0.5, 0.0009765625]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 2147483648.0]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<?x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws {axis = 1 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %y = nn.gemm %xd, %wd, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Scales of run time have no unit that is known; a float product has none at all.
// CHECK-LABEL: func @dynamic
// CHECK-NOT: xi32
func.func @dynamic(%x: tensor<?x2xi8>, %s: tensor<f32>, %f: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %ws = nn.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %b = nn.constant dense<[10.1, -3.0]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s : (tensor<?x2xi8>, tensor<f32>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws {axis = 1 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %y = nn.gemm %xd, %wd, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %v = nn.gemm %f, %wd, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y, %v : tensor<?x2xf32>, tensor<?x2xf32>
}
