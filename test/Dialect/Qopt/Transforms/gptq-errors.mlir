// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel order=none dampening=0.0001" --split-input-file 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t

// The float model's first input is half as large again as this one: sum (x_f - x) x^T is 2 of 4. The weight 2 does the work of 3.
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 0.0], [0.0, 4.0]]> : tensor<2x2xf64>,
                                       errors = dense<[[2.0, 0.0], [0.0, 0.0]]> : tensor<2x2xf64>, mean_abs = dense<1.0> : tensor<2xf32>,
                                       rows = 4 : i64}}} {
  // CHECK-LABEL: func @behind
  // CHECK: nn.constant dense<{{\[}}[3], [-8]]> : tensor<2x1xi4>
  func.func @behind(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[2.0], [-8.0]]> : tensor<2x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}

// -----

// Errors of another size than H: the entry is no matrix of this input.
// REMARK: rounded to nearest: calibration has no Gram matrix of its input 'x' [GPTQ-NO-STATS]
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 0.0], [0.0, 4.0]]> : tensor<2x2xf64>, errors = dense<1.0> : tensor<1x1xf64>,
                                       mean_abs = dense<1.0> : tensor<2xf32>, rows = 4 : i64}}} {
  // CHECK-LABEL: func @misfit
  // CHECK-NOT: qopt.dequantize
  func.func @misfit(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[2.0], [-8.0]]> : tensor<2x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}
