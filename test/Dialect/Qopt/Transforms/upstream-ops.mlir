// Passes see linalg and tosa through the interface alone: observers, quantize/dequantize pairs and SmoothQuant on their ops.
// RUN: qopt-opt %s --split-input-file --qopt-insert-observers=linear-inputs-only | FileCheck %s --check-prefix=OBSERVE
// RUN: qopt-opt %s --split-input-file --qopt-insert-qdq=weights=int8:channel | FileCheck %s --check-prefix=QDQ

// OBSERVE: qopt.site_axes = array<i64: 1>
// OBSERVE-LABEL: @matmul
// OBSERVE-NEXT: qopt.observe %arg0, "x", 0 : tensor<?x4xf32>
// QDQ-LABEL: @matmul
// QDQ: %[[Q:.*]] = qopt.quantize %arg0
// QDQ: %[[D:.*]] = qopt.dequantize %[[Q]]
// QDQ: %[[W:.*]] = qopt.dequantize %{{.*}} {axis = 1 : i64} : (tensor<4x2xi8>, tensor<2xf32>) -> tensor<4x2xf32>
// QDQ: linalg.matmul ins(%[[D]], %[[W]] :
module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @matmul(%x: tensor<?x4xf32> {nn.name = "x"}, %out: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %w = arith.constant dense<[[1.0, 0.5], [-0.5, 0.25], [0.75, -1.0], [0.1, 0.2]]> : tensor<4x2xf32>
    %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) outs(%out : tensor<?x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// The maps say that this weight is transposed: outputs run over its first dim.
// QDQ-LABEL: @transposed
// QDQ: qopt.dequantize %{{.*}} {axis = 0 : i64} : (tensor<2x4xi8>, tensor<2xf32>) -> tensor<2x4xf32>
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @transposed(%x: tensor<?x4xf32> {nn.name = "x"}, %out: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %w = arith.constant dense<0.5> : tensor<2x4xf32>
    %y = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x4xf32>, tensor<2x4xf32>) outs(%out : tensor<?x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// A weight from the left: its rows are the outputs, and the activation's channels run over its second dim.
// OBSERVE: qopt.site_axes = array<i64: 1>
// OBSERVE-LABEL: @batched_from_left
// QDQ-LABEL: @batched_from_left
// QDQ: qopt.dequantize %{{.*}} {axis = 1 : i64} : (tensor<3x2x4xi8>, tensor<2xf32>) -> tensor<3x2x4xf32>
module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @batched_from_left(%x: tensor<3x4x5xf32> {nn.name = "x"}, %out: tensor<3x2x5xf32>) -> tensor<3x2x5xf32> {
    %w = arith.constant dense<0.5> : tensor<3x2x4xf32>
    %y = linalg.batch_matmul ins(%w, %x : tensor<3x2x4xf32>, tensor<3x4x5xf32>) outs(%out : tensor<3x2x5xf32>) -> tensor<3x2x5xf32>
    return %y : tensor<3x2x5xf32>
  }
}

// -----

// OBSERVE: qopt.site_axes = array<i64: 3>
// OBSERVE-LABEL: @conv
// QDQ-LABEL: @conv
// QDQ: qopt.dequantize %{{.*}} {axis = 3 : i64} : (tensor<3x3x2x4xi8>, tensor<4xf32>) -> tensor<3x3x2x4xf32>
// QDQ: linalg.conv_2d_nhwc_hwcf
module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @conv(%x: tensor<1x8x8x2xf32> {nn.name = "x"}, %out: tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32> {
    %w = arith.constant dense<0.5> : tensor<3x3x2x4xf32>
    %y = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
        ins(%x, %w : tensor<1x8x8x2xf32>, tensor<3x3x2x4xf32>) outs(%out : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
    return %y : tensor<1x6x6x4xf32>
  }
}

// -----

// OBSERVE: qopt.site_axes = array<i64: 1>
// OBSERVE-LABEL: @channels_first
// QDQ-LABEL: @channels_first
// QDQ: qopt.dequantize %{{.*}} {axis = 0 : i64} : (tensor<4x2x3x3xi8>, tensor<4xf32>) -> tensor<4x2x3x3xf32>
module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @channels_first(%x: tensor<1x2x8x8xf32> {nn.name = "x"}, %out: tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32> {
    %w = arith.constant dense<0.5> : tensor<4x2x3x3xf32>
    %y = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
        ins(%x, %w : tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) outs(%out : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    return %y : tensor<1x4x6x6xf32>
  }
}

// -----

// OBSERVE: qopt.site_axes = array<i64: 2>
// OBSERVE-LABEL: @tosa_matmul
// QDQ-LABEL: @tosa_matmul
// QDQ: qopt.dequantize %{{.*}} {axis = 2 : i64} : (tensor<1x4x2xi8>, tensor<2xf32>) -> tensor<1x4x2xf32>
// QDQ: tosa.matmul
module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @tosa_matmul(%x: tensor<1x3x4xf32> {nn.name = "x"}) -> tensor<1x3x2xf32> {
    %w = "tosa.const"() {values = dense<0.5> : tensor<1x4x2xf32>} : () -> tensor<1x4x2xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.matmul %x, %w, %zero, %zero : (tensor<1x3x4xf32>, tensor<1x4x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x3x2xf32>
    return %y : tensor<1x3x2xf32>
  }
}

// -----

// A fully connected layer, as tosa has it: a convolution with a window of one.
// OBSERVE: qopt.site_axes = array<i64: 3>
// OBSERVE-LABEL: @tosa_fully_connected
// QDQ-LABEL: @tosa_fully_connected
// QDQ: qopt.dequantize %{{.*}} {axis = 0 : i64} : (tensor<5x1x1x4xi8>, tensor<5xf32>) -> tensor<5x1x1x4xf32>
// QDQ: tosa.conv2d
module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @tosa_fully_connected(%x: tensor<7x1x1x4xf32> {nn.name = "x"}) -> tensor<7x1x1x5xf32> {
    %w = "tosa.const"() {values = dense<0.5> : tensor<5x1x1x4xf32>} : () -> tensor<5x1x1x4xf32>
    %b = "tosa.const"() {values = dense<0.25> : tensor<5xf32>} : () -> tensor<5xf32>
    %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
    %y = tosa.conv2d %x, %w, %b, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
        : (tensor<7x1x1x4xf32>, tensor<5x1x1x4xf32>, tensor<5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<7x1x1x5xf32>
    return %y : tensor<7x1x1x5xf32>
  }
}

// -----

// Products of buffers are left alone.
// QDQ-LABEL: @buffers
// QDQ-NOT: qopt.quantize
func.func @buffers(%x: memref<3x4xf32>, %w: memref<4x2xf32>, %y: memref<3x2xf32>) {
  linalg.matmul ins(%x, %w : memref<3x4xf32>, memref<4x2xf32>) outs(%y : memref<3x2xf32>)
  return
}
