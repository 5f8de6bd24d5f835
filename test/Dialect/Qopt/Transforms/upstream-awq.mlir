// AWQ on linalg and tosa, each op as in awq.mlir: the second channel is loud and its weight small.
// RUN: qopt-opt %s --qopt-awq="weights=int4:channel" --split-input-file | FileCheck %s

// CHECK: code = "AWQ-DONE", op = "linalg.matmul"
// CHECK: qopt.scaled_inputs = {"x/awq" =
// CHECK-LABEL: @matmul
// CHECK: %[[X:.*]] = nn.mul %arg0, %{{.*}} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK: linalg.matmul ins(%[[X]],
module attributes {qopt.inputs = {x = {gram = dense<[[1.0, 0.0], [0.0, 1.0e6]]> : tensor<2x2xf64>,
                                       mean_abs = dense<[1.0, 1000.0]> : tensor<2xf32>, rows = 2 : i64}}} {
  func.func @matmul(%x: tensor<?x2xf32> {nn.name = "x"}, %out: tensor<?x1xf32>) -> tensor<?x1xf32> {
    %w = arith.constant dense<[[8.0], [0.3]]> : tensor<2x1xf32>
    %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x1xf32>) outs(%out : tensor<?x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}

// -----

// CHECK: code = "AWQ-DONE", op = "linalg.contract"
// CHECK: qopt.scaled_inputs = {"x/awq" =
// CHECK-LABEL: @contract
// CHECK: %[[X:.*]] = nn.mul %arg0, %{{.*}} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK: linalg.contract {{.*}}%[[X]],
module attributes {qopt.inputs = {x = {gram = dense<[[1.0, 0.0], [0.0, 1.0e6]]> : tensor<2x2xf64>,
                                       mean_abs = dense<[1.0, 1000.0]> : tensor<2xf32>, rows = 2 : i64}}} {
  func.func @contract(%x: tensor<?x2xf32> {nn.name = "x"}, %out: tensor<?x1xf32>) -> tensor<?x1xf32> {
    %w = arith.constant dense<[[8.0, 0.3]]> : tensor<1x2xf32>
    %y = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
        ins(%x, %w : tensor<?x2xf32>, tensor<1x2xf32>) outs(%out : tensor<?x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}

// -----

// CHECK: code = "AWQ-DONE", op = "tosa.matmul"
// CHECK: qopt.scaled_inputs = {"x/awq" =
// CHECK-LABEL: @tosa_matmul
// CHECK: %[[X:.*]] = nn.mul %arg0, %{{.*}} : (tensor<1x3x2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
// CHECK: tosa.matmul %[[X]], 
module attributes {qopt.inputs = {x = {gram = dense<[[1.0, 0.0], [0.0, 1.0e6]]> : tensor<2x2xf64>,
                                       mean_abs = dense<[1.0, 1000.0]> : tensor<2xf32>, rows = 2 : i64}}} {
  func.func @tosa_matmul(%x: tensor<1x3x2xf32> {nn.name = "x"}) -> tensor<1x3x1xf32> {
    %w = "tosa.const"() {values = dense<[[[8.0], [0.3]]]> : tensor<1x2x1xf32>} : () -> tensor<1x2x1xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.matmul %x, %w, %zero, %zero : (tensor<1x3x2xf32>, tensor<1x2x1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x1xf32>
    return %y : tensor<1x3x1xf32>
  }
}

// -----

// CHECK: code = "AWQ-DONE", op = "tosa.conv2d"
// CHECK: qopt.scaled_inputs = {"x/awq" =
// CHECK-LABEL: @tosa_fully_connected
// CHECK: %[[X:.*]] = nn.mul %arg0, %{{.*}} : (tensor<7x1x1x2xf32>, tensor<2xf32>) -> tensor<7x1x1x2xf32>
// CHECK: tosa.conv2d %[[X]], 
module attributes {qopt.inputs = {x = {gram = dense<[[1.0, 0.0], [0.0, 1.0e6]]> : tensor<2x2xf64>,
                                       mean_abs = dense<[1.0, 1000.0]> : tensor<2xf32>, rows = 2 : i64}}} {
  func.func @tosa_fully_connected(%x: tensor<7x1x1x2xf32> {nn.name = "x"}) -> tensor<7x1x1x1xf32> {
    %w = "tosa.const"() {values = dense<[[[[8.0, 0.3]]]]> : tensor<1x1x1x2xf32>} : () -> tensor<1x1x1x2xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.conv2d %x, %w, %zero, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
        : (tensor<7x1x1x2xf32>, tensor<1x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<7x1x1x1xf32>
    return %y : tensor<7x1x1x1xf32>
  }
}
