// RUN: qopt-opt %s --qopt-smoothquant="alpha=0.5" --split-input-file --verify-diagnostics | FileCheck %s

// Channel maxima 16 and 1, weight maxima 1 and 1: s is 4 and 1, over their geometric mean 2 gives 2 and 1/2.
// CHECK: qopt.ranges = {"x/smoothed" = array<f64: -8.000000e+00, 2.000000e+00>}
module attributes {qopt.channels = {x = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                         mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  // CHECK-LABEL: func @shared
  // CHECK: %[[I:.*]] = nn.constant dense<[5.000000e-01, 2.000000e+00]>
  // CHECK: %[[X:.*]] = nn.mul %{{.*}}, %[[I]]
  // CHECK: %[[W:.*]] = nn.constant dense<{{\[}}[2.000000e+00, 0.000000e+00], [0.000000e+00, 5.000000e-01]]>
  // CHECK: nn.matmul %[[X]], %[[W]]
  // CHECK: nn.matmul %[[X]], %{{.*}}
  // CHECK: nn.relu %arg0
  func.func @shared(%x: tensor<4x2xf32> {nn.name = "x"}) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) {
    %w = nn.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
    %a = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
    %b = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
    %c = nn.relu %x : (tensor<4x2xf32>) -> tensor<4x2xf32>
    return %a, %b, %c : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
  }
}

// -----

// expected-error @+1 {{the module has no per-channel statistics}}
module {
}
