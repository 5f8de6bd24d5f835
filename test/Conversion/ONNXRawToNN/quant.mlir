// RUN: qopt-opt %s --convert-onnxraw-to-nn --split-input-file | FileCheck %s

// A scale of one element is per tensor, whatever its rank.
// CHECK-LABEL: @per_tensor
func.func @per_tensor(%x: tensor<?x3xf32>) -> none {
  // CHECK-DAG: %[[S:.*]] = nn.constant dense<5.000000e-01> : tensor<f32>
  // CHECK-DAG: %[[Z:.*]] = nn.constant dense<3> : tensor<ui8>
  // CHECK: qopt.quantize %arg0, %[[S]], %[[Z]]{{.*}} : (tensor<?x3xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x3xui8>
  %s = onnxraw.initializer "s" = dense<0.5> : tensor<1xf32>
  %z = onnxraw.initializer "z" = dense<3> : tensor<1xui8>
  %y = onnxraw.node "QuantizeLinear"(%x, %s, %z) {version = 21 : i64} : (tensor<?x3xf32>, tensor<1xf32>, tensor<1xui8>) -> none
  return %y : none
}

// -----

// CHECK-LABEL: @dynamic
func.func @dynamic(%x: tensor<?x3xf32>) -> none {
  // CHECK: %[[S:.*]], %[[Z:.*]] = qopt.dynamic_params %arg0 : (tensor<?x3xf32>) -> (tensor<f32>, tensor<ui8>)
  // CHECK: qopt.quantize %arg0, %[[S]], %[[Z]]
  %q, %s, %z = onnxraw.node "DynamicQuantizeLinear"(%x) {version = 11 : i64} : (tensor<?x3xf32>) -> (none, none, none)
  return %q : none
}

// -----

// Zero points that are floats leave codes as they are.
// CHECK-LABEL: @n_bits_float_zeros
func.func @n_bits_float_zeros(%x: tensor<?x16xf32>) -> none {
  // CHECK-DAG: %[[W:.*]] = nn.constant dense<{{\[}}[1], [2], [3], [4], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [15]]> : tensor<16x1xui4>
  // CHECK-DAG: %[[Z:.*]] = nn.constant dense<7.500000e+00> : tensor<1x1xf32>
  // CHECK: qopt.dequantize %[[W]], %{{.*}}, %[[Z]] {axis = 0 : i64, block_size = 16 : i64} : (tensor<16x1xui4>, tensor<1x1xf32>, tensor<1x1xf32>)
  %w = onnxraw.initializer "w" = dense<[[[33, 67, 0, 0, 0, 0, 0, 240]]]> : tensor<1x1x8xui8>
  %s = onnxraw.initializer "s" = dense<2.0> : tensor<1xf32>
  %z = onnxraw.initializer "z" = dense<7.5> : tensor<1x1xf32>
  %y = onnxraw.node "MatMulNBits"(%x, %w, %s, %z) {domain = "com.microsoft", version = 1 : i64, onnx_attributes = {K = 16 : i64, N = 1 : i64, bits = 4 : i64, block_size = 16 : i64}} : (tensor<?x16xf32>, tensor<1x1x8xui8>, tensor<1xf32>, tensor<1x1xf32>) -> none
  return %y : none
}

// -----

// Codes 0x21, 0x43, … low bits first; without zero points 8 is taken off and the type is signed. K is 16, N is 1.
// CHECK-LABEL: @n_bits
func.func @n_bits(%x: tensor<?x16xf32>) -> none {
  // CHECK-DAG: %[[W:.*]] = nn.constant dense<{{\[}}[-7], [-6], [-5], [-4], [-8], [-8], [-8], [-8], [-8], [-8], [-8], [-8], [-8], [-8], [-8], [7]]> : tensor<16x1xi4>
  // CHECK-DAG: %[[S:.*]] = nn.constant dense<2.000000e+00> : tensor<1x1xf32>
  // CHECK: %[[D:.*]] = qopt.dequantize %[[W]], %[[S]] {axis = 0 : i64, block_size = 16 : i64}
  // CHECK: nn.matmul %arg0, %[[D]] : (tensor<?x16xf32>, tensor<16x1xf32>) -> tensor<?x1xf32>
  %w = onnxraw.initializer "w" = dense<[[[33, 67, 0, 0, 0, 0, 0, 240]]]> : tensor<1x1x8xui8>
  %s = onnxraw.initializer "s" = dense<2.0> : tensor<1xf32>
  %y = onnxraw.node "MatMulNBits"(%x, %w, %s) {domain = "com.microsoft", version = 1 : i64, onnx_attributes = {K = 16 : i64, N = 1 : i64, bits = 4 : i64, block_size = 16 : i64}} : (tensor<?x16xf32>, tensor<1x1x8xui8>, tensor<1xf32>) -> none
  return %y : none
}
