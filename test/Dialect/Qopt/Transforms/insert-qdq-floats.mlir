// Weights and activations in float and table formats: how codes, scales and scales of scales stand in the IR.
// RUN: qopt-opt %s --qopt-insert-qdq="activations=f8e4m3fn:tensor weights=f8e4m3fn:tensor" | FileCheck %s --check-prefix=FP8
// RUN: qopt-opt %s --qopt-insert-qdq="activations=f8e4m3fn:token:dynamic weights=f8e4m3fn:channel" | FileCheck %s --check-prefix=TOKEN
// RUN: qopt-opt %s --qopt-insert-qdq="activations=f8e4m3fn:group=4:dynamic weights=f8e4m3fn:block=2x4" | FileCheck %s --check-prefix=BLOCK
// RUN: qopt-opt %s --qopt-insert-qdq="activations=f4e2m1fn:group=4:scale=f8e8m0fnu:dynamic weights=f4e2m1fn:group=4:scale=f8e8m0fnu" | FileCheck %s --check-prefix=MX
// RUN: qopt-opt %s --qopt-insert-qdq="activations=f4e2m1fn:group=16:dynamic:scale=f8e4m3fn:double weights=f4e2m1fn:group=16:scale=f8e4m3fn:double" | FileCheck %s --check-prefix=NV
// RUN: qopt-opt %s --qopt-insert-qdq="activations=none weights=nf4:group=4:double" | FileCheck %s --check-prefix=NF4
// RUN: not qopt-opt %s --qopt-insert-qdq="activations=none weights=int4:group=4:scale=f8e8m0fnu" 2>&1 | FileCheck %s --check-prefix=INTEGER
// RUN: not qopt-opt %s --qopt-insert-qdq="activations=uint8:token:asymmetric:dynamic" 2>&1 | FileCheck %s --check-prefix=RUNTIME

// INTEGER: qopt-insert-qdq: weights: int4:group=4:scale=f8e8m0fnu: scales in f8e8m0fnu go with floating-point formats
// RUNTIME: qopt-insert-qdq: activations: uint8:token:asymmetric:dynamic: scales at run time are symmetric

// 448 is E4M3's greatest value, so a range to 896 has a scale of 2.
// FP8: %[[S:.*]] = nn.constant dense<2.000000e+00> : tensor<f32>
// FP8: %[[Q:.*]] = qopt.quantize %{{.*}}, %[[S]] : (tensor<?x6xf32>, tensor<f32>) -> tensor<?x6xf8E4M3FN>
// FP8: %[[D:.*]] = qopt.dequantize %[[Q]], %[[S]]
// FP8: %[[W:.*]] = qopt.dequantize %{{.*}} : (tensor<6x2xf8E4M3FN>, tensor<f32>) -> tensor<6x2xf32>
// FP8: nn.matmul %[[D]], %[[W]]

// TOKEN: %[[S:.*]] = qopt.dynamic_scale %{{.*}} {axis = 1 : i64, block_size = 6 : i64, top = 4.480000e+02 : f32} : (tensor<?x6xf32>) -> tensor<?x1xf32>
// TOKEN: qopt.quantize %{{.*}}, %[[S]] {axis = 1 : i64, block_size = 6 : i64}
// TOKEN: qopt.dequantize %{{.*}} {axis = 1 : i64} : (tensor<6x2xf8E4M3FN>, tensor<2xf32>)

// Two outputs share a block with four inputs; the weight lies [inputs, outputs].
// BLOCK: qopt.dynamic_scale {{.*}} -> tensor<?x2xf32>
// BLOCK: qopt.dequantize %{{.*}} {block_shape = array<i64: 4, 2>} : (tensor<6x2xf8E4M3FN>, tensor<2x1xf32>)

// MX: qopt.dynamic_scale %{{.*}} {axis = 1 : i64, block_size = 4 : i64, top = 6.000000e+00 : f32} : (tensor<?x6xf32>) -> tensor<?x2xf8E8M0FNU>
// MX: qopt.quantize {{.*}} -> tensor<?x6xf4E2M1FN>
// MX: qopt.dequantize %{{.*}} {axis = 0 : i64, block_size = 4 : i64} : (tensor<6x2xf4E2M1FN>, tensor<2x2xf8E8M0FNU>)

// NV: %[[O:.*]] = qopt.dynamic_scale %[[X:.*]] {top = 2.688000e+03 : f32} : (tensor<?x6xf32>) -> tensor<f32>
// NV: %[[E:.*]] = qopt.dynamic_scale %[[X]], %[[O]] {axis = 1 : i64, block_size = 16 : i64, top = 6.000000e+00 : f32}
// NV: %[[S:.*]] = qopt.dequantize %[[E]], %[[O]] : (tensor<?x1xf8E4M3FN>, tensor<f32>) -> tensor<?x1xf32>
// NV: qopt.quantize %[[X]], %[[S]] {axis = 1 : i64, block_size = 16 : i64}
// NV: %[[W:.*]] = qopt.dequantize %{{.*}} : (tensor<1x2xf8E4M3FN>, tensor<f32>) -> tensor<1x2xf32>
// NV: qopt.dequantize %{{.*}}, %[[W]] {axis = 0 : i64, block_size = 16 : i64} : (tensor<6x2xf4E2M1FN>, tensor<1x2xf32>)

// NF4: %[[F:.*]] = qopt.dequantize %{{.*}} {axis = 0 : i64, block_size = 256 : i64} : (tensor<4xf8E4M3FN>, tensor<1xf32>) -> tensor<4xf32>
// NF4: %[[A:.*]] = nn.add %[[F]]
// NF4: %[[S:.*]] = nn.reshape %[[A]]{{.*}} -> tensor<2x2xf32>
// NF4: %[[V:.*]] = qopt.lookup %{{.*}} : (tensor<6x2xui4>, tensor<16xf32>) -> tensor<6x2xf32>
// NF4: qopt.dequantize %[[V]], %[[S]] {axis = 0 : i64, block_size = 4 : i64}
module attributes {qopt.ranges = {x = array<f64: -896.0, 100.0>}} {
  func.func @linear(%x: tensor<?x6xf32> {nn.name = "x"}) -> tensor<?x2xf32> {
    %w = nn.constant dense<[[1.0, 2.0], [-3.0, 4.0], [5.0, -6.0], [0.0, 448.0], [0.5, 0.25], [7.0, 9.0]]> : tensor<6x2xf32>
    %y = nn.matmul %x, %w : (tensor<?x6xf32>, tensor<6x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}
