// The weights are rounded first, and their dequantize ops bear the linears' locations; the tensor between two linears still has its range.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; n.savez('%t/x.npz', x=n.random.default_rng(0).random((8, 2, 5, 5), n.float32))"
// RUN: qopt quantize %s -o %t/q.mlir --calibration-data %t/x.npz --quiet
// RUN: FileCheck %s < %t/q.mlir

// CHECK-NOT: QUANT-NO-RANGE
// CHECK: nn.conv
// CHECK: qopt.quantize {{.*}} : (tensor<?x3x4x4xf32>
// CHECK: %[[X:.*]] = qopt.dequantize {{.*}} : (tensor<?x3x4x4xui8>
// CHECK: nn.conv %[[X]]

func.func @main(%x: tensor<?x2x5x5xf32> {nn.name = "x"}) -> (tensor<?x2x4x4xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[[[[0.5, -0.3], [0.2, 0.7]], [[0.1, 0.15], [-0.9, 0.33]]], [[[0.41, 0.2], [0.3, -0.77]], [[0.6, -0.2], [0.1, 0.05]]],
                          [[[0.3, 0.9], [-0.1, 0.2]], [[0.7, -0.6], [0.5, 0.4]]]]> : tensor<3x2x2x2xf32>
  %u = nn.constant dense<[[[[0.4]], [[-0.6]], [[0.3]]], [[[0.8]], [[0.1]], [[-0.5]]]]> : tensor<2x3x1x1xf32>
  %a = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x2x5x5xf32>, tensor<3x2x2x2xf32>) -> tensor<?x3x4x4xf32> loc("first")
  %y = nn.conv %a, %u {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<?x2x4x4xf32> loc("second")
  return %y : tensor<?x2x4x4xf32>
}
