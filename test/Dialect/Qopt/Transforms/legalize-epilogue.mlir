// RUN: qopt-opt %s --qopt-legalize --split-input-file | FileCheck %s

// An int32 bias joins the accumulators; the product's scales and the result's make one multiplier: 0.5 * [1, 2] / 0.25. The clip goes: its
// bounds are the ends of the codes.
// CHECK-LABEL: func @requantize
// CHECK-DAG: %[[M:.*]] = nn.constant dense<{{\[\[\[}}2.000000e+00]], {{\[\[}}4.000000e+00]]]>
// CHECK-DAG: %[[ONE:.*]] = nn.constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG: %[[BIAS:.*]] = nn.constant dense<{{\[\[\[}}-70]], {{\[\[}}80]]]> : tensor<2x1x1xi32>
// CHECK: %[[ACC:.*]] = qopt.integer_conv
// CHECK: %[[SUM:.*]] = nn.add %[[ACC]], %[[BIAS]] {{.*}}xi32>
// CHECK: %[[F:.*]] = nn.cast %[[SUM]]
// CHECK: %[[Y:.*]] = nn.mul %[[F]], %[[M]]
// CHECK-NOT: nn.clip
// CHECK: qopt.quantize %[[Y]], %[[ONE]]
func.func @requantize(%q: tensor<?x2x4x4xui8>) -> tensor<?x2x4x4xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]]]> : tensor<2x2x1x1xi8>
  %ws = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[-70, 80]> : tensor<2xi32>
  %bs = nn.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %low = nn.constant dense<0.0> : tensor<f32>
  %high = nn.constant dense<63.75> : tensor<f32>
  %ys = nn.constant dense<0.25> : tensor<f32>
  %yz = nn.constant dense<0> : tensor<ui8>
  %d = qopt.dequantize %q, %s, %z : (tensor<?x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2x4x4xf32>
  %wd = qopt.dequantize %w, %ws {axis = 0 : i64} : (tensor<2x2x1x1xi8>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  %bd = qopt.dequantize %b, %bs {axis = 0 : i64} : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32>
  %y = nn.conv %d, %wd, %bd {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  %c = nn.clip %y low %low high %high : (tensor<?x2x4x4xf32>, tensor<f32>, tensor<f32>) -> tensor<?x2x4x4xf32>
  %yq = qopt.quantize %c, %ys, %yz : (tensor<?x2x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x2x4x4xui8>
  return %yq : tensor<?x2x4x4xui8>
}

// -----

// Channel 0 could overflow: 255 * (1 + 2) and its bias exceed int32. Its bias stays in float, channel 1's does not.
// CHECK-LABEL: func @overflow
// CHECK-DAG: nn.constant dense<{{\[\[\[}}0]], {{\[\[}}80]]]> : tensor<2x1x1xi32>
// CHECK-DAG: nn.constant dense<{{\[\[\[}}1.07374182E+9]], {{\[\[}}0.000000e+00]]]> : tensor<2x1x1xf32>
// CHECK: qopt.integer_conv
// CHECK: nn.add {{.*}}xi32>
// CHECK: nn.cast
// CHECK: nn.mul
// CHECK: nn.add {{.*}}xf32>
func.func @overflow(%q: tensor<?x2x4x4xui8>) -> tensor<?x2x4x4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %w = nn.constant dense<[[[[1]], [[2]]], [[[3]], [[4]]]]> : tensor<2x2x1x1xi8>
  %ws = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[2147483600, 80]> : tensor<2xi32>
  %bs = nn.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %d = qopt.dequantize %q, %s, %z : (tensor<?x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2x4x4xf32>
  %wd = qopt.dequantize %w, %ws {axis = 0 : i64} : (tensor<2x2x1x1xi8>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  %bd = qopt.dequantize %b, %bs {axis = 0 : i64} : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32>
  %y = nn.conv %d, %wd, %bd {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
  return %y : tensor<?x2x4x4xf32>
}

// -----

// A bias in another scale than the accumulators' is added in float.
// CHECK-LABEL: func @other_scale
// CHECK-NOT: nn.add {{.*}}xi32>
// CHECK: nn.add {{.*}}xf32>
func.func @other_scale(%q: tensor<?x2xui8>) -> tensor<?x2xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %w = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %ws = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[7, 80]> : tensor<2xi32>
  %bs = nn.constant dense<[0.5, 1.5]> : tensor<2xf32>
  %d = qopt.dequantize %q, %s : (tensor<?x2xui8>, tensor<f32>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws {axis = 1 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %bd = qopt.dequantize %b, %bs {axis = 0 : i64} : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32>
  %y = nn.gemm %d, %wd, %bd : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Bounds that lie inside of the codes' range stay.
// CHECK-LABEL: func @clips_stay
// CHECK: nn.clip
// CHECK: nn.relu
func.func @clips_stay(%x: tensor<4xf32>) -> (tensor<4xi8>, tensor<4xi8>) {
  %s = nn.constant dense<0.25> : tensor<f32>
  %low = nn.constant dense<-32.0> : tensor<f32>
  %high = nn.constant dense<31.5> : tensor<f32>
  %c = nn.clip %x low %low high %high : (tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  %r = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %a = qopt.quantize %c, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xi8>
  %b = qopt.quantize %r, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xi8>
  return %a, %b : tensor<4xi8>, tensor<4xi8>
}
