// A program of linalg ops is calibrated, quantized and run like any other; numpy recomputes the quantized product from its own codes.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; n.savez(r'%t/x.npz', x=n.random.default_rng(4).normal(size=(40,6)).astype('f'))"
// RUN: qopt quantize %s -o %t/q.mlir --recipe %S/Inputs/rtn.yaml --calibration-data %t/x.npz --json %t/r.json 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=IR < %t/q.mlir
// RUN: qopt run %s --input %t/x.npz -o %t/float.npz && qopt run %t/q.mlir --input %t/x.npz -o %t/q.npz
// RUN: %python %S/Inputs/linalg_model.py %t

// CHECK: products {{ *}}2 quantized, 0 kept in float
// IR: qopt.quantize
// IR: linalg.matmul
// IR: linalg.matmul

func.func @main(%x: tensor<?x6xf32> {nn.name = "x"}) -> (tensor<?x2xf32> {nn.name = "y"}) {
  %w = arith.constant dense<[[0.5, -0.25, 0.75], [1.0, 0.125, -0.5], [0.25, 0.75, 1.0], [-0.875, 0.25, 0.5], [-0.375, 0.625, 0.0], [0.75, -0.25, -1.0]]> : tensor<6x3xf32>
  %u = arith.constant dense<[[0.5, -0.25], [1.0, 0.125], [-0.75, 0.5]]> : tensor<3x2xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x6xf32>
  %e = tensor.empty(%n) : tensor<?x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x6xf32>, tensor<6x3xf32>) outs(%f : tensor<?x3xf32>) -> tensor<?x3xf32> loc("first")
  %e2 = tensor.empty(%n) : tensor<?x2xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%m, %u : tensor<?x3xf32>, tensor<3x2xf32>) outs(%f2 : tensor<?x2xf32>) -> tensor<?x2xf32> loc("second")
  return %y : tensor<?x2xf32>
}
