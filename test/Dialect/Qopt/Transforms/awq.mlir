// RUN: qopt-opt %s --qopt-awq="weights=int4:channel" | FileCheck %s
// RUN: not qopt-opt %s --qopt-awq="steps=0" 2>&1 | FileCheck %s --check-prefix=STEPS
// STEPS: qopt-awq: steps is 0; it must be at least 1

// The second channel is a thousand times as loud and has a small weight: it is scaled up before rounding, its input down.
module attributes {qopt.channels = {x = {min = dense<0.0> : tensor<2xf32>, max = dense<[1.0, 1000.0]> : tensor<2xf32>}},
                   qopt.inputs = {x = {gram = dense<[[1.0, 0.0], [0.0, 1.0e6]]> : tensor<2x2xf64>,
                                       mean_abs = dense<[1.0, 1000.0]> : tensor<2xf32>, rows = 2 : i64}}} {
  // CHECK: qopt.decisions = [{code = "AWQ-DONE"
  // CHECK: qopt.ranges = {"x/awq" = array<f64: 0.000000e+00,
  // CHECK: qopt.scaled_inputs = {"x/awq" = {by = dense<[{{.*}}]> : tensor<2xf32>, of = "x"}}
  // CHECK-LABEL: func @loud
  // CHECK: %[[X:.*]] = nn.mul %arg0, %{{.*}} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  // CHECK: nn.matmul %[[X]], %{{.*}}
  // CHECK: nn.relu %arg0
  func.func @loud(%x: tensor<?x2xf32> {nn.name = "x"}) -> (tensor<?x1xf32>, tensor<?x2xf32>) {
    %w = nn.constant dense<[[8.0], [0.3]]> : tensor<2x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    %r = nn.relu %x : (tensor<?x2xf32>) -> tensor<?x2xf32>
    return %y, %r : tensor<?x1xf32>, tensor<?x2xf32>
  }
}
