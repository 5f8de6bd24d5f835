// RUN: qopt-opt %s --convert-nn-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Indices are checked once, before the loop that moves the data.
// CHECK-LABEL: func @gather
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]
// CHECK: cf.assert %{{.*}}, "node '/embeddings/Gather' (gather): an index is out of range."
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel"]
// CHECK-NOT: cf.assert
// CHECK: tensor.extract
func.func @gather(%d: tensor<100x8xf32>, %i: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %y = nn.gather %d, %i {axis = 0 : i64} : (tensor<100x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32> loc("/embeddings/Gather")
  return %y : tensor<?x?x8xf32>
}

// -----

// One known index is a view.
// CHECK-LABEL: func @gather_one
// CHECK-NOT: linalg.generic
// CHECK: tensor.extract_slice %{{.*}}[0, 3, 0]
func.func @gather_one(%d: tensor<?x5x8xf32>) -> tensor<?x8xf32> {
  %i = nn.constant dense<3> : tensor<i64>
  %y = nn.gather %d, %i {axis = 1 : i64} : (tensor<?x5x8xf32>, tensor<i64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func @slice
// CHECK: tensor.extract_slice %{{.*}}[0, 2] [%{{.*}}, 3] [1, 2]
func.func @slice(%d: tensor<?x8xf32>) -> tensor<?x3xf32> {
  %s = nn.constant dense<2> : tensor<1xi64>
  %e = nn.constant dense<8> : tensor<1xi64>
  %y = nn.slice %d, %s, %e {axes = array<i64: 1>, steps = array<i64: 2>} : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func @concat
// CHECK: tensor.insert_slice
// CHECK: tensor.insert_slice
func.func @concat(%a: tensor<?x4xf32> {nn.dims = ["b", ""]}, %b: tensor<?x5xf32> {nn.dims = ["b", ""]}) -> tensor<?x9xf32> {
  %y = nn.concat %a, %b {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x5xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// Doubling by nearest is a broadcast.
// CHECK-LABEL: func @resize
// CHECK: linalg.{{generic|broadcast}}
// CHECK-NOT: tensor.extract
// CHECK: tensor.collapse_shape
func.func @resize(%x: tensor<1x3x?x?xf32>) -> tensor<1x3x?x?xf32> {
  %s = nn.constant dense<2.0> : tensor<2xf32>
  %y = nn.resize %x scales %s {axes = array<i64: 2, 3>, coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"}
      : (tensor<1x3x?x?xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return %y : tensor<1x3x?x?xf32>
}

// -----

// CHECK-LABEL: func @scatter
// CHECK: scf.for
// CHECK: cf.assert
// CHECK: tensor.insert
func.func @scatter(%d: tensor<8xf32>, %i: tensor<?xi64>, %u: tensor<?xf32>) -> tensor<8xf32> {
  %y = nn.scatter_elements %d, %i, %u {axis = 0 : i64} : (tensor<8xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
