// RUN: qopt-opt %s --convert-onnxraw-to-nn --split-input-file --verify-diagnostics

// One error lists every op without an nn form.
// expected-error @below {{it uses ops that qopt does not support: Foo x2 ('a nameless node', 'a nameless node'); custom.Bar x1 ('a nameless node')}}
func.func @unsupported(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = onnxraw.node "Foo"(%x) {version = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  %b = onnxraw.node "Foo"(%a) {version = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  %c = onnxraw.node "Bar"(%b) {domain = "custom", version = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return %c : tensor<2xf32>
}

// -----

func.func @axis(%x: tensor<2x3xf32>) -> none {
  // expected-error @below {{(Softmax) has the axis 2, which is out of range for rank 2}}
  %y = onnxraw.node "Softmax"(%x) {version = 13 : i64, onnx_attributes = {axis = 2 : i64}} : (tensor<2x3xf32>) -> none
  return %y : none
}

// -----

func.func @group(%x: tensor<1x4x8x8xf32>, %w: tensor<4x4x3x3xf32>) -> none {
  // expected-error @below {{(Conv) group is 0; it must be at least 1}}
  %y = onnxraw.node "Conv"(%x, %w) {version = 11 : i64, onnx_attributes = {group = 0 : i64}} : (tensor<1x4x8x8xf32>, tensor<4x4x3x3xf32>) -> none
  return %y : none
}

// -----

func.func @scale(%x: tensor<2xf32>) -> none {
  %scale = onnxraw.initializer "scale" = dense<0.0> : tensor<f32>
  // expected-error @below {{(QuantizeLinear) has a scale of 0.000000; scales must be positive and finite}}
  %y = onnxraw.node "QuantizeLinear"(%x, %scale) {version = 13 : i64} : (tensor<2xf32>, tensor<f32>) -> none
  return %y : none
}
