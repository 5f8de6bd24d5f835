// SmoothQuant on linalg and tosa (AWQ: upstream-awq.mlir): the activation is divided by an explicit nn.mul, the weight multiplied in its layout.
// RUN: qopt-opt %s --qopt-smoothquant="alpha=0.5" --split-input-file | FileCheck %s

// Channel maxima 16 and 1, weight maxima 1 and 1: s is 2 and 1/2 (see smoothquant.mlir).
// CHECK: qopt.ranges = {"x/smoothed" = array<f64: -8.000000e+00, 2.000000e+00>}
// CHECK-LABEL: @matmul
// CHECK: %[[X:.*]] = nn.mul %arg0, %{{.*}} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK: %[[W:.*]] = nn.constant dense<{{\[}}[2.000000e+00, 1.000000e+00], [0.000000e+00, 5.000000e-01]]>
// CHECK: linalg.matmul ins(%[[X]], %[[W]] :
module attributes {qopt.channels = {x = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                         mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @matmul(%x: tensor<?x2xf32> {nn.name = "x"}, %out: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %w = arith.constant dense<[[1.0, 0.5], [0.0, 1.0]]> : tensor<2x2xf32>
    %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%out : tensor<?x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// Outputs run over this weight's first dim.
// CHECK-LABEL: @contract
// CHECK: nn.constant dense<{{\[}}[2.000000e+00, 0.000000e+00], [1.000000e+00, 5.000000e-01]]>
// CHECK: linalg.contract
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
module attributes {qopt.channels = {x = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                         mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @contract(%x: tensor<?x2xf32> {nn.name = "x"}, %out: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %w = arith.constant dense<[[1.0, 0.0], [0.5, 1.0]]> : tensor<2x2xf32>
    %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%out : tensor<?x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// CHECK-LABEL: @tosa_matmul
// CHECK: nn.mul %arg0, %{{.*}} : (tensor<1x3x2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
// CHECK: nn.constant dense<{{\[\[}}[2.000000e+00, 1.000000e+00], [0.000000e+00, 5.000000e-01]]]> : tensor<1x2x2xf32>
// CHECK: tosa.matmul
module attributes {qopt.channels = {x = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                         mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @tosa_matmul(%x: tensor<1x3x2xf32> {nn.name = "x"}) -> tensor<1x3x2xf32> {
    %w = "tosa.const"() {values = dense<[[[1.0, 0.5], [0.0, 1.0]]]> : tensor<1x2x2xf32>} : () -> tensor<1x2x2xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.matmul %x, %w, %zero, %zero : (tensor<1x3x2xf32>, tensor<1x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x2xf32>
    return %y : tensor<1x3x2xf32>
  }
}

// -----

// CHECK-LABEL: @tosa_fully_connected
// CHECK: nn.mul %arg0, %{{.*}} : (tensor<7x1x1x2xf32>, tensor<2xf32>) -> tensor<7x1x1x2xf32>
// CHECK: nn.constant dense<{{\[\[\[}}[2.000000e+00, 0.000000e+00]]], {{\[\[}}[1.000000e+00, 5.000000e-01]]]]> : tensor<2x1x1x2xf32>
// CHECK: tosa.conv2d
module attributes {qopt.channels = {x = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                         mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @tosa_fully_connected(%x: tensor<7x1x1x2xf32> {nn.name = "x"}) -> tensor<7x1x1x2xf32> {
    %w = "tosa.const"() {values = dense<[[[[1.0, 0.0]]], [[[0.5, 1.0]]]]> : tensor<2x1x1x2xf32>} : () -> tensor<2x1x1x2xf32>
    %b = "tosa.const"() {values = dense<0.25> : tensor<2xf32>} : () -> tensor<2xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.conv2d %x, %w, %b, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
        : (tensor<7x1x1x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<7x1x1x2xf32>
    return %y : tensor<7x1x1x2xf32>
  }
}

// -----

// A window is not scaled.
// CHECK-LABEL: @window
// CHECK-NOT: nn.mul
module attributes {qopt.channels = {}} {
  func.func @window(%x: tensor<1x8x8x2xf32> {nn.name = "x"}, %out: tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32> {
    %w = arith.constant dense<0.5> : tensor<3x3x2x4xf32>
    %y = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
        ins(%x, %w : tensor<1x8x8x2xf32>, tensor<3x3x2x4xf32>) outs(%out : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
    return %y : tensor<1x6x6x4xf32>
  }
}
