// RUN: qopt-opt %s --qopt-exact-sums --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// The sum goes into a residual addition in float: scales come after it. The bias is in units of the accumulator.
// CHECK-LABEL: func @residual
// CHECK-DAG: %[[ONE:.*]] = nn.constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG: %[[ONES:.*]] = nn.constant dense<1.000000e+00> : tensor<2xf32>
// CHECK-DAG: %[[SCALES:.*]] = nn.constant dense<{{\[\[\[}}2.500000e-01]], {{\[\[}}1.250000e-01]]]> : tensor<2x1x1xf32>
// CHECK-DAG: %[[X:.*]] = qopt.dequantize %{{.*}}, %[[ONE]], %{{.*}} : (tensor<1x2x4x4xui8>
// CHECK-DAG: %[[W:.*]] = qopt.dequantize %{{.*}}, %[[ONES]] {axis = 0 : i64} : (tensor<2x2x1x1xi8>
// CHECK-DAG: %[[B:.*]] = qopt.dequantize %{{.*}}, %[[ONES]] {axis = 0 : i64} : (tensor<2xi32>
// CHECK: %[[SUM:.*]] = nn.conv %[[X]], %[[W]], %[[B]]
// CHECK: %[[Y:.*]] = nn.mul %[[SUM]], %[[SCALES]]
// CHECK: nn.add %[[Y]], %arg1
func.func @residual(%x: tensor<1x2x4x4xui8>, %r: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]]]> : tensor<2x2x1x1xi8>
  %ws = nn.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %b = nn.constant dense<[40, -24]> : tensor<2xi32>
  %bs = nn.constant dense<[0.25, 0.125]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %wd = qopt.dequantize %w, %ws {axis = 0 : i64} : (tensor<2x2x1x1xi8>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  %bd = qopt.dequantize %b, %bs {axis = 0 : i64} : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32>
  %y = nn.conv %xd, %wd, %bd {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %a = nn.add %y, %r : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %a : tensor<1x2x4x4xf32>
}

// -----

// A float bias is added behind the scales.
// CHECK-LABEL: func @float_bias
// CHECK: %[[B:.*]] = nn.constant dense<{{\[\[\[}}1.000000e+00]], {{\[\[}}2.000000e+00]]]> : tensor<2x1x1xf32>
// CHECK: %[[SUM:.*]] = nn.conv %{{[a-z0-9]*}}, %{{[a-z0-9]*}} {
// CHECK: %[[P:.*]] = nn.mul %[[SUM]]
// CHECK: nn.add %[[P]], %[[B]]
func.func @float_bias(%x: tensor<1x2x4x4xui8>) -> tensor<1x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]]]> : tensor<2x2x1x1xi8>
  %ws = nn.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %wd = qopt.dequantize %w, %ws {axis = 0 : i64} : (tensor<2x2x1x1xi8>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  %y = nn.conv %xd, %wd, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// Quantized again, through a relu that saturation covers: runtimes fuse it as it is.
// CHECK-LABEL: func @requantized
// CHECK-NOT: nn.mul
func.func @requantized(%x: tensor<1x2x4x4xui8>) -> tensor<1x2x4x4xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %w = nn.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]]]> : tensor<2x2x1x1xi8>
  %ws = nn.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %wd = qopt.dequantize %w, %ws {axis = 0 : i64} : (tensor<2x2x1x1xi8>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  %y = nn.conv %xd, %wd {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %p = nn.relu %y : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %q = qopt.quantize %p, %s, %z : (tensor<1x2x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xui8>
  return %q : tensor<1x2x4x4xui8>
}

// -----

// 2^24 in the bias and 255 more may be inexact: said, not refused.
// CHECK-LABEL: func @too_large
// CHECK: nn.mul
func.func @too_large(%x: tensor<1x1x4x4xui8>) -> tensor<1x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %w = nn.constant dense<[[[[1]]], [[[3]]]]> : tensor<2x1x1x1xi8>
  %ws = nn.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %b = nn.constant dense<[40, 16777216]> : tensor<2xi32>
  %bs = nn.constant dense<[0.25, 0.125]> : tensor<2xf32>
  %xd = qopt.dequantize %x, %s, %z : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %wd = qopt.dequantize %w, %ws {axis = 0 : i64} : (tensor<2x1x1x1xi8>, tensor<2xf32>) -> tensor<2x1x1x1xf32>
  %bd = qopt.dequantize %b, %bs {axis = 0 : i64} : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32>
  // expected-remark @below {{its sums are not proven to stay within 2^24, up to where float32 holds all integers [EXPORT-SUMS]}}
  %y = nn.conv %xd, %wd, %bd {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}
