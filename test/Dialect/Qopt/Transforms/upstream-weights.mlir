// Algorithms that choose codes, on linalg and tosa: each op's interface model says what its rows and columns are. Everywhere the first
// two of three columns are always equal, so that what one code loses the other makes up for (see gptq.mlir).
// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel order=none dampening=0.0001" --split-input-file | FileCheck %s
// RUN: qopt-opt %s --qopt-rounding="weights=int4:channel dampening=0.0001" --split-input-file | FileCheck %s --check-prefix=ROUND
// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel order=none" --split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// CHECK-LABEL: @matmul
// CHECK: nn.constant dense<{{\[}}[0], [1], [-8]]> : tensor<3x1xi4>
// CHECK: qopt.dequantize {{.*}} {axis = 1 : i64} : (tensor<3x1xi4>, tensor<1xf32>) -> tensor<3x1xf32>
// CHECK: linalg.matmul
// ROUND-LABEL: @matmul
// ROUND: nn.constant dense<{{\[}}[1], [0], [-8]]> : tensor<3x1xi4>
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @matmul(%x: tensor<?x3xf32> {nn.name = "x"}, %out: tensor<?x1xf32>) -> tensor<?x1xf32> {
    %w = arith.constant dense<[[0.4], [0.4], [-8.0]]> : tensor<3x1xf32>
    %y = linalg.matmul ins(%x, %w : tensor<?x3xf32>, tensor<3x1xf32>) outs(%out : tensor<?x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}

// -----

// A contraction says by its maps that this weight is transposed.
// CHECK-LABEL: @contract
// CHECK: nn.constant dense<{{\[}}[0, 1, -8], [-1, 0, -8]]> : tensor<2x3xi4>
// CHECK: {axis = 0 : i64} : (tensor<2x3xi4>, tensor<2xf32>) -> tensor<2x3xf32>
// CHECK: linalg.contract
// ROUND-LABEL: @contract
// ROUND: nn.constant dense<{{\[}}[1, 0, -8],
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @contract(%x: tensor<?x3xf32> {nn.name = "x"}, %out: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %w = arith.constant dense<[[0.4, 0.4, -8.0], [0.6, 0.0, 7.0]]> : tensor<2x3xf32>
    %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x3xf32>, tensor<2x3xf32>) outs(%out : tensor<?x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// A convolution's columns run over its window: (height, width, channel), as its weight lies.
// CHECK-LABEL: @conv
// CHECK: nn.constant dense<{{\[\[\[}}[0]], {{\[}}[1]], {{\[}}[-8]]]]> : tensor<1x3x1x1xi4>
// CHECK: linalg.conv_2d_nhwc_hwcf
// ROUND-LABEL: @conv
// ROUND: nn.constant dense<{{\[\[\[}}[1]], {{\[}}[0]], {{\[}}[-8]]]]> : tensor<1x3x1x1xi4>
module attributes {qopt.inputs = {"x@k1x3s1x1d1x1p0x0x0x0/last" = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @conv(%x: tensor<1x8x8x1xf32> {nn.name = "x"}, %out: tensor<1x8x6x1xf32>) -> tensor<1x8x6x1xf32> {
    %w = arith.constant dense<[[[[0.4]], [[0.4]], [[-8.0]]]]> : tensor<1x3x1x1xf32>
    %y = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
        ins(%x, %w : tensor<1x8x8x1xf32>, tensor<1x3x1x1xf32>) outs(%out : tensor<1x8x6x1xf32>) -> tensor<1x8x6x1xf32>
    return %y : tensor<1x8x6x1xf32>
  }
}

// -----

// CHECK-LABEL: @tosa_matmul
// CHECK: nn.constant dense<{{\[\[}}[0], [1], [-8]]]> : tensor<1x3x1xi4>
// CHECK: {axis = 2 : i64} : (tensor<1x3x1xi4>, tensor<1xf32>) -> tensor<1x3x1xf32>
// CHECK: tosa.matmul
// ROUND-LABEL: @tosa_matmul
// ROUND: nn.constant dense<{{\[\[}}[1], [0], [-8]]]> : tensor<1x3x1xi4>
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @tosa_matmul(%x: tensor<1x4x3xf32> {nn.name = "x"}) -> tensor<1x4x1xf32> {
    %w = "tosa.const"() {values = dense<[[[0.4], [0.4], [-8.0]]]> : tensor<1x3x1xf32>} : () -> tensor<1x3x1xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.matmul %x, %w, %zero, %zero : (tensor<1x4x3xf32>, tensor<1x3x1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x1xf32>
    return %y : tensor<1x4x1xf32>
  }
}

// -----

// A fully connected layer reads the pixels as they are; one with padding, or one that skips pixels, has columns of its own.
// CHECK-LABEL: @tosa_fully_connected
// CHECK: nn.constant dense<{{\[\[\[}}[0, 1, -8]]]]> : tensor<1x1x1x3xi4>
// CHECK: tosa.conv2d
// ROUND-LABEL: @tosa_fully_connected
// ROUND: nn.constant dense<{{\[\[\[}}[1, 0, -8]]]]> : tensor<1x1x1x3xi4>
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @tosa_fully_connected(%x: tensor<7x1x1x3xf32> {nn.name = "x"}) -> tensor<7x1x1x1xf32> {
    %w = "tosa.const"() {values = dense<[[[[0.4, 0.4, -8.0]]]]> : tensor<1x1x1x3xf32>} : () -> tensor<1x1x1x3xf32>
    %b = "tosa.const"() {values = dense<0.25> : tensor<1xf32>} : () -> tensor<1xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.conv2d %x, %w, %b, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
        : (tensor<7x1x1x3xf32>, tensor<1x1x1x3xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<7x1x1x1xf32>
    return %y : tensor<7x1x1x1xf32>
  }
}

// -----

// tosa writes pads as begin and end of each dim in turn.
// REMARK: calibration has no Gram matrix of its input 'x' [GPTQ-NO-STATS]
// CHECK-LABEL: @other_window
// CHECK-NOT: qopt.dequantize
module attributes {qopt.inputs = {"x@k1x3s1x1d1x1p0x0x0x0/last" = {gram = dense<1.0> : tensor<3x3xf64>, mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @other_window(%x: tensor<1x4x4x1xf32> {nn.name = "x"}) -> tensor<1x4x4x1xf32> {
    %w = "tosa.const"() {values = dense<0.4> : tensor<1x1x3x1xf32>} : () -> tensor<1x1x3x1xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.conv2d %x, %w, %zero, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 1, 1>, stride = array<i64: 1, 1>}
        : (tensor<1x4x4x1xf32>, tensor<1x1x3x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32>
    return %y : tensor<1x4x4x1xf32>
  }
}

// -----

// Weights that differ by batch are several matrices.
// REMARK: its weight is no matrix [GPTQ-NO-STATS]
// CHECK-LABEL: @batches
// CHECK-NOT: qopt.dequantize
module attributes {qopt.inputs = {x = {gram = dense<1.0> : tensor<3x3xf64>, mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @batches(%x: tensor<2x4x3xf32> {nn.name = "x"}, %out: tensor<2x4x1xf32>) -> tensor<2x4x1xf32> {
    %w = arith.constant dense<0.4> : tensor<2x3x1xf32>
    %y = linalg.batch_matmul ins(%x, %w : tensor<2x4x3xf32>, tensor<2x3x1xf32>) outs(%out : tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
    return %y : tensor<2x4x1xf32>
  }
}
