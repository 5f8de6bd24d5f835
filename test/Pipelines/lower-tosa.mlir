// RUN: qopt-opt %s --qopt-lower-tosa --split-input-file | FileCheck %s

// CHECK-LABEL: @product
// CHECK-NOT: tosa.
// CHECK: linalg.batch_matmul
// CHECK: linalg.generic
// CHECK-NOT: tosa.
func.func @product(%x: tensor<1x3x4xf32>) -> tensor<1x3x2xf32> {
  %w = "tosa.const"() {values = dense<0.5> : tensor<1x4x2xf32>} : () -> tensor<1x4x2xf32>
  %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %y = tosa.matmul %x, %w, %zero, %zero : (tensor<1x3x4xf32>, tensor<1x4x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x2xf32>
  %z = tosa.tanh %y : (tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  return %z : tensor<1x3x2xf32>
}

// -----

// A batch that is known at run time only; the window reads its padding.
// CHECK-LABEL: @conv
// CHECK: tensor.pad
// CHECK: linalg.conv_2d_nhwc_
func.func @conv(%x: tensor<?x4x4x2xf32>) -> tensor<?x4x4x3xf32> {
  %w = "tosa.const"() {values = dense<0.4> : tensor<3x3x3x2xf32>} : () -> tensor<3x3x3x2xf32>
  %b = "tosa.const"() {values = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %y = tosa.conv2d %x, %w, %b, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>}
      : (tensor<?x4x4x2xf32>, tensor<3x3x3x2xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x4x4x3xf32>
  return %y : tensor<?x4x4x3xf32>
}

// -----

// Nothing of it: nothing changes.
// CHECK-LABEL: @other
// CHECK-NEXT: %[[R:.*]] = arith.addf %arg0, %arg0 : tensor<4xf32>
// CHECK-NEXT: return %[[R]]
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.addf %x, %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
