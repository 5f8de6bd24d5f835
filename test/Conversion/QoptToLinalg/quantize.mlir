// RUN: qopt-opt %s --convert-nn-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Round to nearest even first, then add the zero point, saturate, convert.
// CHECK-LABEL: func @quantize(%{{.*}}: tensor<?x4xf32>
// CHECK-SAME: -> tensor<?x4xi8>
// CHECK: arith.divf
// CHECK: math.roundeven
// CHECK: arith.addf
// CHECK: arith.cmpf olt
// CHECK: arith.fptosi
func.func @quantize(%x: tensor<?x4xf32>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<?x4xui8> {
  %q = qopt.quantize %x, %s, %z : (tensor<?x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x4xui8>
  return %q : tensor<?x4xui8>
}

// -----

// Blocks divide the axis.
// CHECK-DAG: affine_map<(d0, d1) -> (d0 floordiv 32, d1)>
// CHECK-LABEL: func @dequantize_blocks
// CHECK: arith.sitofp
// CHECK: arith.mulf
func.func @dequantize_blocks(%q: tensor<64x4xi4>, %s: tensor<2x4xf32>) -> tensor<64x4xf32> {
  %x = qopt.dequantize %q, %s {axis = 0 : i64, block_size = 32 : i64} : (tensor<64x4xi4>, tensor<2x4xf32>) -> tensor<64x4xf32>
  return %x : tensor<64x4xf32>
}

// -----

// CHECK-LABEL: func @integer_matmul
// CHECK: arith.extui
// CHECK: arith.subi
// CHECK: arith.muli
// CHECK: arith.addi
func.func @integer_matmul(%a: tensor<?x8xui8>, %b: tensor<8x4xi8>, %z: tensor<ui8>) -> tensor<?x4xi32> {
  %y = qopt.integer_matmul %a, %b zero_point_a %z : (tensor<?x8xui8>, tensor<8x4xi8>, tensor<ui8>) -> tensor<?x4xi32>
  return %y : tensor<?x4xi32>
}
