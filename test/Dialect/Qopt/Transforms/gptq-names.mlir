// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel" --mlir-print-debuginfo | FileCheck %s

// The weight's dequantize has a name of its own, so that the product's result keeps the one that statistics have it under.
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 0.0], [0.0, 4.0]]> : tensor<2x2xf64>, mean_abs = dense<1.0> : tensor<2xf32>,
                                       rows = 4 : i64}}} {
  // CHECK-LABEL: func @named
  // CHECK: qopt.dequantize {{.*}} loc(#[[D:loc[0-9]*]])
  // CHECK: nn.matmul {{.*}} loc(#[[Y:loc[0-9]*]])
  // CHECK-DAG: #[[Y]] = loc("first"
  // CHECK-DAG: #[[D]] = loc("first/weight"
  func.func @named(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[0.4], [-8.0]]> : tensor<2x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32> loc("first")
    return %y : tensor<?x1xf32>
  }
}
