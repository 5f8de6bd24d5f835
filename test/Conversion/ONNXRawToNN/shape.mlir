// RUN: qopt-opt %s --convert-onnxraw-to-nn --split-input-file | FileCheck %s

// Axes as an attribute (opset 11) and as an operand (opset 13) mean the same.
// CHECK-LABEL: @unsqueeze
func.func @unsqueeze(%x: tensor<?x3xf32>) -> (none, none) {
  // CHECK: %[[A:.*]] = nn.unsqueeze %arg0 {axes = array<i64: 0, 3>} : (tensor<?x3xf32>) -> tensor<1x?x3x1xf32>
  // CHECK: %[[B:.*]] = nn.unsqueeze %arg0 {axes = array<i64: 0, 3>} : (tensor<?x3xf32>) -> tensor<1x?x3x1xf32>
  %a = onnxraw.node "Unsqueeze"(%x) {version = 11 : i64, onnx_attributes = {axes = array<i64: -1, 0>}} : (tensor<?x3xf32>) -> none
  %axes = onnxraw.initializer "axes" = dense<[3, 0]> : tensor<2xi64>
  %b = onnxraw.node "Unsqueeze"(%x, %axes) {version = 13 : i64} : (tensor<?x3xf32>, tensor<2xi64>) -> none
  return %a, %b : none, none
}

// -----

// Dims that are known stay known through shape arithmetic.
// CHECK-LABEL: @heads
func.func @heads(%x: tensor<?x?x384xf32>) -> none {
  // CHECK: nn.reshape %arg0, %{{.*}} : (tensor<?x?x384xf32>, tensor<4xi64>) -> tensor<?x?x12x32xf32>
  %shape = onnxraw.node "Shape"(%x) {version = 15 : i64, onnx_attributes = {end = 2 : i64}} : (tensor<?x?x384xf32>) -> tensor<2xi64>
  %tail = onnxraw.initializer "tail" = dense<[12, 32]> : tensor<2xi64>
  %to = onnxraw.node "Concat"(%shape, %tail) {version = 13 : i64, onnx_attributes = {axis = 0 : i64}} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %y = onnxraw.node "Reshape"(%x, %to) {version = 14 : i64} : (tensor<?x?x384xf32>, tensor<4xi64>) -> none
  return %y : none
}

// -----

// The dims of a static tensor are constants.
// CHECK-LABEL: @static_shape
func.func @static_shape(%x: tensor<2x6xf32>) -> none {
  // CHECK: nn.constant dense<6> : tensor<i64>
  // CHECK-NOT: nn.gather
  %shape = onnxraw.node "Shape"(%x) {version = 15 : i64} : (tensor<2x6xf32>) -> tensor<2xi64>
  %one = onnxraw.initializer "one" = dense<1> : tensor<i64>
  %dim = onnxraw.node "Gather"(%shape, %one) {version = 13 : i64} : (tensor<2xi64>, tensor<i64>) -> none
  return %dim : none
}

// -----

// Softmax before opset 13 flattens at its axis.
// CHECK-LABEL: @softmax_11
func.func @softmax_11(%x: tensor<2x3x4xf32>) -> none {
  // CHECK: %[[F:.*]] = nn.flatten %arg0 {axis = 1 : i64} : (tensor<2x3x4xf32>) -> tensor<2x12xf32>
  // CHECK: %[[S:.*]] = nn.softmax %[[F]] {axis = 1 : i64}
  // CHECK: nn.reshape %[[S]], %{{.*}} -> tensor<2x3x4xf32>
  %y = onnxraw.node "Softmax"(%x) {version = 11 : i64} : (tensor<2x3x4xf32>) -> none
  return %y : none
}
