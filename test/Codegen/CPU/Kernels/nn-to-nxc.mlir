// RUN: qopt-opt %s --nn-to-nxc | FileCheck %s

// Two convolutions, an activation and a residual between them: transposes at the borders only.
// CHECK-LABEL: @residual
// CHECK: nn.transpose %arg0 {perm = array<i64: 0, 2, 3, 1>}
// CHECK: nn.conv {{.*}}layout = "NXC"{{.*}} -> tensor<?x8x8x4xf32>
// CHECK-NEXT: nn.relu {{.*}} tensor<?x8x8x4xf32>
// CHECK: nn.conv {{.*}}layout = "NXC"
// CHECK-NEXT: nn.add {{.*}} tensor<?x8x8x4xf32>
// CHECK-NEXT: nn.transpose {{.*}}perm = array<i64: 0, 3, 1, 2>
// CHECK-NOT: nn.transpose
func.func @residual(%x: tensor<?x4x8x8xf32>) -> tensor<?x4x8x8xf32> {
  %w = nn.constant dense<1.0> : tensor<4x4x3x3xf32>
  %a = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<?x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<?x4x8x8xf32>
  %b = nn.relu %a : (tensor<?x4x8x8xf32>) -> tensor<?x4x8x8xf32>
  %c = nn.conv %b, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<?x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<?x4x8x8xf32>
  %d = nn.add %c, %b : (tensor<?x4x8x8xf32>, tensor<?x4x8x8xf32>) -> tensor<?x4x8x8xf32>
  return %d : tensor<?x4x8x8xf32>
}

// A constant per channel moves with its channel; a concatenation of channels becomes one along the last dim.
// CHECK-LABEL: @constants
// CHECK: nn.constant dense<{{.*}}1.000000e+00, 2.000000e+00{{.*}}> : tensor<1x1x1x2xf32>
// CHECK: nn.mul
// CHECK: nn.concat {{.*}}axis = 3
func.func @constants(%x: tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32> {
  %w = nn.constant dense<1.0> : tensor<2x2x1x1xf32>
  %s = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %a = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %b = nn.mul %a, %s : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %c = nn.concat %a, %b {axis = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %c : tensor<1x4x4x4xf32>
}

// A mean over the pixels needs no transpose behind it.
// CHECK-LABEL: @mean
// CHECK: nn.reduce_mean {{.*}}axes = array<i64: 1, 2>
// CHECK-NEXT: return
func.func @mean(%x: tensor<1x2x4x4xf32>) -> tensor<1x2xf32> {
  %w = nn.constant dense<1.0> : tensor<2x2x1x1xf32>
  %a = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %m = nn.reduce_mean %a {axes = array<i64: 2, 3>, keepdims = false} : (tensor<1x2x4x4xf32>) -> tensor<1x2xf32>
  return %m : tensor<1x2xf32>
}

// Operands that are transposed differently keep their transposes: neither can sink without the other.
// CHECK-LABEL: func @different
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>, %[[Y:.*]]: tensor<3x4x2xf32>)
// CHECK-NEXT: %[[A:.*]] = nn.transpose %[[X]] {perm = array<i64: 1, 0, 2>}
// CHECK-NEXT: %[[B:.*]] = nn.transpose %[[Y]] {perm = array<i64: 0, 2, 1>}
// CHECK-NEXT: %[[S:.*]] = nn.add %[[A]], %[[B]]
// CHECK-NEXT: return %[[S]]
func.func @different(%x: tensor<2x3x4xf32>, %y: tensor<3x4x2xf32>) -> tensor<3x2x4xf32> {
  %a = nn.transpose %x {perm = array<i64: 1, 0, 2>} : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  %b = nn.transpose %y {perm = array<i64: 0, 2, 1>} : (tensor<3x4x2xf32>) -> tensor<3x2x4xf32>
  %s = nn.add %a, %b : (tensor<3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  return %s : tensor<3x2x4xf32>
}
