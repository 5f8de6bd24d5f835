// RUN: qopt-opt %s --nn-simplify --split-input-file | FileCheck %s

// CHECK-LABEL: @transposes
func.func @transposes(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  // CHECK-NEXT: return %arg0
  %a = nn.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x?xf32>) -> tensor<?x2xf32>
  %b = nn.transpose %a {perm = array<i64: 1, 0>} : (tensor<?x2xf32>) -> tensor<2x?xf32>
  return %b : tensor<2x?xf32>
}

// -----

// A narrowing cast does not cancel.
// CHECK-LABEL: @casts
func.func @casts(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  // CHECK: %[[N:.*]] = nn.cast %arg0 : (tensor<2xf32>) -> tensor<2xf16>
  // CHECK: %[[W:.*]] = nn.cast %[[N]] : (tensor<2xf16>) -> tensor<2xf32>
  // CHECK: return %arg0, %[[W]]
  %a = nn.cast %x : (tensor<2xf32>) -> tensor<2xf64>
  %b = nn.cast %a : (tensor<2xf64>) -> tensor<2xf32>
  %c = nn.cast %x : (tensor<2xf32>) -> tensor<2xf16>
  %d = nn.cast %c : (tensor<2xf16>) -> tensor<2xf32>
  return %b, %d : tensor<2xf32>, tensor<2xf32>
}

// -----

// x * 1 that broadcasts x is not x.
// CHECK-LABEL: @neutral
func.func @neutral(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>) {
  // CHECK: %[[M:.*]] = nn.mul
  // CHECK: return %arg0, %[[M]]
  %one = nn.constant dense<1.0> : tensor<f32>
  %ones = nn.constant dense<1.0> : tensor<3x2xf32>
  %a = nn.mul %x, %one : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %b = nn.mul %x, %ones : (tensor<2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %a, %b : tensor<2xf32>, tensor<3x2xf32>
}

// -----

// Dims are never -1.
// CHECK-LABEL: @expand_idiom
func.func @expand_idiom(%x: tensor<?x1xf32>) -> tensor<2xi64> {
  // CHECK: %[[S:.*]] = nn.shape
  // CHECK: return %[[S]]
  %minus = nn.constant dense<-1> : tensor<2xi64>
  %one = nn.constant dense<1> : tensor<2xi64>
  %s = nn.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x1xf32>) -> tensor<2xi64>
  %e = nn.equal %s, %minus : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %w = nn.where %e, %one, %s : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %w : tensor<2xi64>
}
