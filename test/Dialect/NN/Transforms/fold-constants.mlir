// RUN: qopt-opt %s --nn-fold-constants --split-input-file | FileCheck %s

// CHECK-LABEL: @arithmetic
func.func @arithmetic() -> (tensor<2x2xf32>, tensor<2xi64>) {
  // CHECK-DAG: nn.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
  // CHECK-DAG: nn.constant dense<[-3, 2]> : tensor<2xi64>
  %m = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %t = nn.transpose %m {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %a = nn.constant dense<[-7, 5]> : tensor<2xi64>
  %b = nn.constant dense<2> : tensor<i64>
  %d = nn.div %a, %b : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  return %t, %d : tensor<2x2xf32>, tensor<2xi64>
}

// -----

// A scalar expanded to a million elements stays what it is.
// CHECK-LABEL: @growth
func.func @growth() -> tensor<1000x1000xf32> {
  // CHECK: nn.expand
  %s = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %shape = nn.constant dense<[500000, 2]> : tensor<2xi64>
  %e = nn.expand %s, %shape : (tensor<2xf32>, tensor<2xi64>) -> tensor<500000x2xf32>
  %to = nn.constant dense<[1000, 1000]> : tensor<2xi64>
  %r = nn.reshape %e, %to : (tensor<500000x2xf32>, tensor<2xi64>) -> tensor<1000x1000xf32>
  return %r : tensor<1000x1000xf32>
}
