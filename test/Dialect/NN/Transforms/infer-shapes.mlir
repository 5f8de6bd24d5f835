// RUN: qopt-opt %s --nn-infer-shapes --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @refine
// CHECK-SAME: -> tensor<2x3xf32>
func.func @refine(%x: tensor<2x3xf32>) -> tensor<?x?xf32> {
  // CHECK: nn.relu %arg0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = nn.relu %x : (tensor<2x3xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

func.func @contradiction(%x: tensor<2x3xf32>, %y: tensor<4x3xf32>) -> tensor<?x?xf32> {
  // expected-error @below {{cannot broadcast 2 against 4 in dim 0}}
  %z = nn.add %x, %y : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<?x?xf32>
  return %z : tensor<?x?xf32>
}
