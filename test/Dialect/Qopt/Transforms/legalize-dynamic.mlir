// RUN: qopt-opt %s --qopt-legalize=dynamic-only | FileCheck %s

// The product with scales of run time runs on integers; the static one keeps its pairs.
// CHECK-LABEL: func @mixed
// CHECK: %[[ACC:.*]] = qopt.integer_matmul %arg0
// CHECK: nn.cast %[[ACC]]
// CHECK: nn.matmul
func.func @mixed(%x: tensor<?x2xi8>, %s: tensor<?x1xf32>, %u: tensor<?x2xui8>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = nn.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %ws = nn.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %us = nn.constant dense<0.5> : tensor<f32>
  %xd = qopt.dequantize %x, %s {axis = 1 : i64, block_size = 2 : i64} : (tensor<?x2xi8>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %wd = qopt.dequantize %w, %ws {axis = 1 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
  %ud = qopt.dequantize %u, %us : (tensor<?x2xui8>, tensor<f32>) -> tensor<?x2xf32>
  %y = nn.matmul %xd, %wd : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %v = nn.matmul %ud, %wd : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y, %v : tensor<?x2xf32>, tensor<?x2xf32>
}
