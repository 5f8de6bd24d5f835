// RUN: qopt-opt %s --qopt-insert-qdq="activations=none weights=int4:group=2" | FileCheck %s
// RUN: qopt-opt %s --qopt-insert-qdq="activations=none weights=uint4:group=2:asymmetric" | FileCheck %s --check-prefix=ASYM
// RUN: qopt-opt %s --qopt-insert-qdq="activations=none weights=int2:tensor" | FileCheck %s --check-prefix=TENSOR
// RUN: not qopt-opt %s --qopt-insert-qdq="weights=int5" 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: qopt-insert-qdq: weights:

// Groups of two along dim 0, the last of one. The value of greatest magnitude has code -8; where it is positive the scale is negative.
// CHECK-LABEL: func @partial
// CHECK-DAG: nn.constant dense<{{\[}}[-8, 6], [-4, -8], [-8, -8]]> : tensor<3x2xi4>
// CHECK-DAG: nn.constant dense<{{\[}}[-1.000000e+00, 5.000000e-01], [1.000000e+00, -2.000000e+00]]> : tensor<2x2xf32>
// CHECK: qopt.dequantize %{{.*}}, %{{.*}} {axis = 0 : i64, block_size = 2 : i64} : (tensor<3x2xi4>, tensor<2x2xf32>) -> tensor<3x2xf32>
// Column 0, first group: 4 to 8 with zero in it, steps of 8/15.
// ASYM-LABEL: func @partial
// ASYM-DAG: nn.constant dense<{{\[}}[15, 15], [7, 0], [0, 15]]> : tensor<3x2xui4>
// ASYM-DAG: nn.constant dense<{{\[}}[0, 9], [15, 0]]> : tensor<2x2xui4>
// ASYM: qopt.dequantize %{{.*}}, %{{.*}}, %{{.*}} {axis = 0 : i64, block_size = 2 : i64}
// TENSOR-LABEL: func @partial
// TENSOR: dense<-8.000000e+00> : tensor<f32>
func.func @partial(%x: tensor<?x3xf32> {nn.name = "x"}) -> tensor<?x2xf32> {
  %w = nn.constant dense<[[8.0, 3.0], [4.0, -4.0], [-8.0, 16.0]]> : tensor<3x2xf32>
  %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// A convolution with a window has no groups of input channels: it stays in float, and the record says why.
// CHECK-LABEL: func @window
// CHECK-NOT: qopt.dequantize
func.func @window(%x: tensor<1x1x4x4xf32> {nn.name = "x"}) -> tensor<1x1x3x3xf32> {
  %w = nn.constant dense<[[[[8.0, 3.0], [4.0, -4.0]]]]> : tensor<1x1x2x2xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
       : (tensor<1x1x4x4xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x3x3xf32>
  return %y : tensor<1x1x3x3xf32>
}
