// RUN: qopt-opt %s --convert-nn-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-LABEL: func @matmul2
// CHECK: linalg.matmul ins(%{{.*}} : tensor<?x8xf32>, tensor<8x5xf32>)
func.func @matmul2(%a: tensor<?x8xf32>, %b: tensor<8x5xf32>) -> tensor<?x5xf32> {
  %y = nn.matmul %a, %b : (tensor<?x8xf32>, tensor<8x5xf32>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// Leading dims broadcast by the maps of one contraction.
// CHECK-DAG: #[[$B:.*]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-LABEL: func @matmul_broadcast
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$B]], #{{.*}}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK: arith.addf %{{.*}} fastmath<reassoc,contract>
func.func @matmul_broadcast(%a: tensor<?x?x8xf32>, %b: tensor<8x5xf32>) -> tensor<?x?x5xf32> {
  %y = nn.matmul %a, %b : (tensor<?x?x8xf32>, tensor<8x5xf32>) -> tensor<?x?x5xf32>
  return %y : tensor<?x?x5xf32>
}

// -----

// CHECK-LABEL: func @inner_dims
// CHECK: cf.assert %{{.*}}, "an unnamed node (matmul): the operands' inner dims differ, so that there is no matrix product."
func.func @inner_dims(%a: tensor<2x?xf32>, %b: tensor<?x5xf32>) -> tensor<2x5xf32> {
  %y = nn.matmul %a, %b : (tensor<2x?xf32>, tensor<?x5xf32>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}

// -----

// CHECK-DAG: #[[$X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5, d3 * 2 + d6)>
// CHECK-LABEL: func @conv
// CHECK: tensor.pad %{{.*}} low[0, 0, 1, 1] high[0, 0, 1, 1]
// CHECK: linalg.generic {indexing_maps = [#[[$X]],
func.func @conv(%x: tensor<?x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>) -> tensor<?x4x4x4xf32> {
  %y = nn.conv %x, %w, %b {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
      : (tensor<?x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x4x4x4xf32>
  return %y : tensor<?x4x4x4xf32>
}

// -----

// Groups split the channels without a copy.
// CHECK-LABEL: func @depthwise
// CHECK: tensor.expand_shape {{.*}} output_shape {{.*}} : tensor<?x6x8x8xf32> into tensor<?x6x1x8x8xf32>
func.func @depthwise(%x: tensor<?x6x8x8xf32>, %w: tensor<6x1x3x3xf32>) -> tensor<?x6x6x6xf32> {
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 6 : i64}
      : (tensor<?x6x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<?x6x6x6xf32>
  return %y : tensor<?x6x6x6xf32>
}
