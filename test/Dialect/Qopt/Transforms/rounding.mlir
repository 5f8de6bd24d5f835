// RUN: qopt-opt %s --qopt-rounding="weights=int4:channel dampening=0.0001" | FileCheck %s
// RUN: qopt-opt %s --qopt-rounding="weights=int4:channel sweeps=0" | FileCheck %s --check-prefix=NEAREST
// RUN: not qopt-opt %s --qopt-rounding="weights=int4:block=2x2" 2>&1 | FileCheck %s --check-prefix=BLOCK
// BLOCK: qopt-rounding: weights: {{.*}}this pass takes scales per tensor, channel or group

// As in gptq.mlir: of two equal inputs one takes the code that rounding to nearest leaves out.
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  // CHECK: code = "ROUND-DONE"{{.*}}1 of 3 codes moved
  // CHECK-LABEL: func @pair
  // CHECK: nn.constant dense<{{\[}}[1], [0], [-8]]> : tensor<3x1xi4>
  // NEAREST-LABEL: func @pair
  // NEAREST: nn.constant dense<{{\[}}[0], [0], [-8]]> : tensor<3x1xi4>
  func.func @pair(%x: tensor<?x3xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[0.4], [0.4], [-8.0]]> : tensor<3x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}
