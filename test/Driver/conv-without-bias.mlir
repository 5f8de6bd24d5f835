// Bias correction gives a convolution that has no bias one more operand, in int32; its input still reads codes, and the module stays sound.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; n.savez('%t/x.npz', x=n.random.default_rng(0).random((4, 2, 5, 5), n.float32))"
// RUN: qopt quantize %s -o %t/q.mlir --calibration-data %t/x.npz --quiet
// RUN: FileCheck %s < %t/q.mlir
// RUN: qopt quantize %s -o %t/q.so --calibration-data %t/x.npz --quiet

// CHECK: %[[X:.*]] = qopt.dequantize {{.*}} : (tensor<?x2x5x5xui8>
// CHECK-DAG: %[[W:.*]] = qopt.dequantize {{.*}} {axis = 0 : i64} : (tensor<2x2x2x2xi8>
// CHECK-DAG: %[[B:.*]] = qopt.dequantize {{.*}} {axis = 0 : i64} : (tensor<2xi32>
// CHECK: nn.conv %[[X]], %[[W]], %[[B]]

func.func @main(%x: tensor<?x2x5x5xf32> {nn.name = "x"}) -> (tensor<?x2x4x4xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[[[[0.5, -0.3], [0.2, 0.7]], [[0.1, 0.15], [-0.9, 0.33]]], [[[0.41, 0.2], [0.3, -0.77]], [[0.6, -0.2], [0.1, 0.05]]]]> : tensor<2x2x2x2xf32>
  %y = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x2x5x5xf32>, tensor<2x2x2x2xf32>) -> tensor<?x2x4x4xf32> loc("conv")
  return %y : tensor<?x2x4x4xf32>
}
