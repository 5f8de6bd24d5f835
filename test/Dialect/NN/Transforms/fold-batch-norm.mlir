// RUN: qopt-opt %s --nn-fold-batch-norm --split-input-file | FileCheck %s

// s = scale / sqrt(var + eps) = 4 / sqrt(3.75 + 0.25) = 2; weight 3 * 2, bias (1 - 0.5) * 2 + 10.
// CHECK-LABEL: @conv
func.func @conv(%x: tensor<?x1x4x4xf32>) -> tensor<?x1x4x4xf32> {
  // CHECK-DAG: %[[W:.*]] = nn.constant dense<6.000000e+00> : tensor<1x1x1x1xf32>
  // CHECK-DAG: %[[B:.*]] = nn.constant dense<1.100000e+01> : tensor<1xf32>
  // CHECK: %[[Y:.*]] = nn.conv %arg0, %[[W]], %[[B]]
  // CHECK-NOT: batch_normalization
  // CHECK: return %[[Y]]
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %b = nn.constant dense<1.0> : tensor<1xf32>
  %scale = nn.constant dense<4.0> : tensor<1xf32>
  %bias = nn.constant dense<10.0> : tensor<1xf32>
  %mean = nn.constant dense<0.5> : tensor<1xf32>
  %var = nn.constant dense<3.75> : tensor<1xf32>
  %c = nn.conv %x, %w, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x1x4x4xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>) -> tensor<?x1x4x4xf32>
  %y = nn.batch_normalization %c, %scale, %bias, %mean, %var {epsilon = 0.25 : f32} : (tensor<?x1x4x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x1x4x4xf32>
  return %y : tensor<?x1x4x4xf32>
}

// -----

// A sum with a constant per channel becomes the bias; a second use of the convolution keeps it from folding.
// CHECK-LABEL: @bias
func.func @bias(%x: tensor<?x1x4x4xf32>, %w: tensor<2x1x1x1xf32>) -> (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) {
  // CHECK: nn.add
  %k = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %c = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<?x2x4x4xf32>
  %y = nn.add %c, %k : (tensor<?x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<?x2x4x4xf32>
  return %c, %y : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>
}

// -----

// Channels of a transposed convolution with two groups: w is C × M/group.
// CHECK-LABEL: @transposed_groups
func.func @transposed_groups(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  // CHECK-DAG: nn.constant dense<{{\[\[\[\[}}1.000000e+01]]], {{\[\[\[}}2.000000e+02]]]]> : tensor<2x1x1x1xf32>
  // CHECK: nn.conv_transpose
  // CHECK-NOT: nn.mul
  %w = nn.constant dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
  %k = nn.constant dense<[[[10.0]], [[100.0]]]> : tensor<2x1x1xf32>
  %c = nn.conv_transpose %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, group = 2 : i64} : (tensor<1x2x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %y = nn.mul %c, %k : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}
