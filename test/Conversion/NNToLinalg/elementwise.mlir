// RUN: qopt-opt %s --convert-nn-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Dims of one name are equal: plain maps, nothing checked.
// CHECK-LABEL: func @equal_dims
// CHECK-NOT: cf.assert
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x4xf32>)
// CHECK: arith.addf
func.func @equal_dims(%a: tensor<?x4xf32> {nn.dims = ["batch", ""]}, %b: tensor<?x4xf32> {nn.dims = ["batch", ""]}) -> tensor<?x4xf32> {
  %0 = nn.add %a, %b : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Either may be one at run time.
// CHECK-LABEL: func @unknown_dims
// CHECK: cf.assert %{{.*}}, "an unnamed node (add): the operands' shapes do not broadcast."
// CHECK: linalg.generic
// CHECK: arith.select
// CHECK: tensor.extract
func.func @unknown_dims(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = nn.add %a, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func @static_broadcast
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$ROW]], #{{.*}}]
func.func @static_broadcast(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = nn.mul %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// Unsigned types choose unsigned ops and leave no trace.
// CHECK-LABEL: func @unsigned(%{{.*}}: tensor<9xi8>, %{{.*}}: tensor<9xi8>) -> tensor<9xi8>
// CHECK: arith.maxui
func.func @unsigned(%a: tensor<9xui8>, %b: tensor<9xui8>) -> tensor<9xui8> {
  %0 = nn.max %a, %b : (tensor<9xui8>, tensor<9xui8>) -> tensor<9xui8>
  return %0 : tensor<9xui8>
}

// -----

// f16 is computed in f32; a splat constant stands in the body.
// CHECK-LABEL: func @half
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{[a-z0-9]+}} : tensor<9xf16>)
// CHECK: arith.extf
// CHECK: arith.mulf %{{.*}} : f32
// CHECK: arith.truncf
func.func @half(%a: tensor<9xf16>) -> tensor<9xf16> {
  %c = nn.constant dense<2.0> : tensor<f16>
  %0 = nn.mul %a, %c : (tensor<9xf16>, tensor<f16>) -> tensor<9xf16>
  return %0 : tensor<9xf16>
}

// -----

// CHECK: func.func private @qopt_rt_f32_to_f8e4m3fn_sat(f32) -> i8
// CHECK-LABEL: func @cast_f8
// CHECK: call @qopt_rt_f32_to_f8e4m3fn_sat
func.func @cast_f8(%a: tensor<9xf32>) -> tensor<9xf8E4M3FN> {
  %0 = nn.cast %a : (tensor<9xf32>) -> tensor<9xf8E4M3FN>
  return %0 : tensor<9xf8E4M3FN>
}

// -----

// Shape arithmetic is scalar.
// CHECK-LABEL: func @small
// CHECK-NOT: linalg.generic
// CHECK: arith.muli
// CHECK: tensor.from_elements
func.func @small(%a: tensor<?x3xf32>) -> tensor<2xi64> {
  %s = nn.shape %a {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %c = nn.constant dense<[2, 5]> : tensor<2xi64>
  %0 = nn.mul %s, %c : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}
