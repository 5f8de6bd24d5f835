// RUN: qopt-opt %s --convert-onnxraw-to-nn --split-input-file | FileCheck %s

// Bounds as attributes (opset 6) become operands.
// CHECK-LABEL: @clip_attributes
func.func @clip_attributes(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  // CHECK: %[[LOW:.*]] = nn.constant dense<0.000000e+00> : tensor<f32>
  // CHECK: nn.clip %{{.*}} low %[[LOW]] : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %y = onnxraw.node "Clip"(%x) {version = 6 : i64, onnx_attributes = {min = 0.0 : f32}} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// A sum of three is a chain of two; the result's shape is inferred.
// CHECK-LABEL: @sum_of_three
func.func @sum_of_three(%a: tensor<2x1xf32>, %b: tensor<3xf32>, %c: tensor<1xf32>) -> none {
  // CHECK: %[[AB:.*]] = nn.add %{{.*}}, %{{.*}} : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: nn.add %[[AB]], %{{.*}} : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<2x3xf32>
  %y = onnxraw.node "Sum"(%a, %b, %c) {version = 13 : i64} : (tensor<2x1xf32>, tensor<3xf32>, tensor<1xf32>) -> none
  return %y : none
}

// -----

// CHECK-LABEL: @dropout
func.func @dropout(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK-NEXT: return %arg0
  %y, %mask = onnxraw.node "Dropout"(%x) {version = 13 : i64} : (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xi1>)
  return %y : tensor<2xf32>
}
