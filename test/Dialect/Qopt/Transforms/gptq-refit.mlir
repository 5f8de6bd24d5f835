// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel order=none dampening=0.0001" | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel order=none dampening=0.0001 refits=1" | FileCheck %s --check-prefixes=CHECK,REFIT
// RUN: not qopt-opt %s --qopt-gptq="weights=int4:tensor refits=1" 2>&1 | FileCheck %s --check-prefix=TENSOR
// RUN: not qopt-opt %s --qopt-gptq="shrinkage=-1" 2>&1 | FileCheck %s --check-prefix=SHRINK
// TENSOR: qopt-gptq: refits is 1; it must be 0 with one scale per tensor
// SHRINK: qopt-gptq: shrinkage is {{.*}}; it must be at least 0

// The inputs are alone. -8 sets the scale to 1 and codes are 3 and -8; least squares move the scale to (3.4 * 3 + 8 * 8) / (9 + 64) = 1.0164
// times it, as both inputs weigh the same.
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 0.0], [0.0, 4.0]]> : tensor<2x2xf64>, mean_abs = dense<1.0> : tensor<2xf32>,
                                       rows = 4 : i64}}} {
  // CHECK-LABEL: func @fitted
  // CHECK-DAG: nn.constant dense<{{\[}}[3], [-8]]> : tensor<2x1xi4>
  // PLAIN-DAG: nn.constant dense<1.000000e+00> : tensor<1xf32>
  // REFIT-DAG: nn.constant dense<1.0164{{[0-9]*}}> : tensor<1xf32>
  func.func @fitted(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[3.4], [-8.0]]> : tensor<2x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}
