// RUN: qopt-opt %s --qopt-hqq="weights=uint2:channel:asymmetric" | FileCheck %s
// RUN: qopt-opt %s --qopt-hqq="weights=uint2:channel:asymmetric:zero=f32" | FileCheck %s --check-prefix=FRACTION
// RUN: not qopt-opt %s --qopt-hqq="weights=int4:channel" 2>&1 | FileCheck %s --check-prefix=SYMMETRIC
// SYMMETRIC: qopt-hqq: weights: int4 per channel, symmetric; HQQ fits zero points

// CHECK-LABEL: func @grid
// CHECK: nn.constant dense<{{\[}}[0], [1], [2], [3]]> : tensor<4x1xui2>
// CHECK: nn.constant dense<1.000000e+00> : tensor<1xf32>
// CHECK: nn.constant dense<1> : tensor<1xui2>
// CHECK: qopt.dequantize %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64}
// FRACTION-LABEL: func @grid
// FRACTION: nn.constant dense<{{\[}}[0], [1], [2], [3]]> : tensor<4x1xui2>
// FRACTION: nn.constant dense<1.000000e+00> : tensor<1xf32>
// FRACTION: nn.constant dense<1.000000e+00> : tensor<1xf32>
// FRACTION: qopt.dequantize %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<4x1xui2>, tensor<1xf32>, tensor<1xf32>)
func.func @grid(%x: tensor<?x4xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
  %w = nn.constant dense<[[-1.0], [0.0], [1.0], [2.0]]> : tensor<4x1xf32>
  %y = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// No whole zero point serves weights around 0.5.
// CHECK-LABEL: func @off_zero
// CHECK: nn.constant dense<0> : tensor<1xui2>
// FRACTION-LABEL: func @off_zero
// FRACTION: nn.constant dense<{{\[}}[0], [1], [2], [3]]> : tensor<4x1xui2>
// FRACTION: nn.constant dense<2.500000e-01> : tensor<1xf32>
// FRACTION: nn.constant dense<-2.000000e+00> : tensor<1xf32>
func.func @off_zero(%x: tensor<?x4xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
  %w = nn.constant dense<[[0.5], [0.75], [1.0], [1.25]]> : tensor<4x1xf32>
  %y = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
