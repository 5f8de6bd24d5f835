// RUN: qopt-opt %s --convert-nn-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// A reshape by Shape, Gather and Concat splits one dim: no copy, no check.
// CHECK-LABEL: func @heads
// CHECK-NOT: cf.assert
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]]
func.func @heads(%x: tensor<?x?x384xf32>) -> tensor<?x?x12x32xf32> {
  %b = nn.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x?x384xf32>) -> tensor<1xi64>
  %s = nn.shape %x {start = 1 : i64, end = 2 : i64} : (tensor<?x?x384xf32>) -> tensor<1xi64>
  %h = nn.constant dense<[12, 32]> : tensor<2xi64>
  %shape = nn.concat %b, %s, %h {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<2xi64>) -> tensor<4xi64>
  %y = nn.reshape %x, %shape : (tensor<?x?x384xf32>, tensor<4xi64>) -> tensor<?x?x12x32xf32>
  return %y : tensor<?x?x12x32xf32>
}

// -----

// CHECK-LABEL: func @infer
// CHECK-NOT: cf.assert
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]]
func.func @infer(%x: tensor<?x?x384xf32>) -> tensor<?x384xf32> {
  %shape = nn.constant dense<[-1, 384]> : tensor<2xi64>
  %y = nn.reshape %x, %shape : (tensor<?x?x384xf32>, tensor<2xi64>) -> tensor<?x384xf32>
  return %y : tensor<?x384xf32>
}

// -----

// A shape that only the run knows.
// CHECK-LABEL: func @unknown
// CHECK: cf.assert %{{.*}}, "an unnamed node (reshape): the new shape does not hold the input's number of elements."
func.func @unknown(%x: tensor<?x6xf32>, %shape: tensor<2xi64>) -> tensor<?x?xf32> {
  %y = nn.reshape %x, %shape : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func @transposed
// CHECK: linalg.transpose {{.*}} permutation = [0, 2, 1]
func.func @transposed(%x: tensor<?x3x4xf32>) -> tensor<?x4x3xf32> {
  %y = nn.transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<?x3x4xf32>) -> tensor<?x4x3xf32>
  return %y : tensor<?x4x3xf32>
}

// -----

// The blob of a weight is used as it is.
// CHECK-LABEL: func @weight
// CHECK: arith.constant dense_resource<w> : tensor<2xi8>
func.func @weight() -> tensor<2xui8> {
  %w = nn.constant dense_resource<w> : tensor<2xui8>
  return %w : tensor<2xui8>
}

{-# dialect_resources: { builtin: { w: "0x010000000102" } } #-}
