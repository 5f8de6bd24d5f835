// What `qopt inspect` shows of a small model: names, shapes, constants by format (4 bits are half a byte), ops, provenance.
// RUN: qopt inspect %s | FileCheck %s
// RUN: qopt inspect %s --json - --largest 1 | FileCheck %s --check-prefix=JSON
// RUN: not qopt inspect %s.txt 2>&1 | FileCheck %s --check-prefix=ENDING

// CHECK: input   x: float32[batch,4]
// CHECK-NEXT: output  y: float32[?,2]
// CHECK: constants: 3 tensors, 20 B
// CHECK: float32 {{ *}}16 B {{ *}}80.0%  2 tensors
// CHECK: int4 {{ *}}4 B {{ *}}20.0%  1 tensors
// CHECK: ops: 3
// CHECK-NEXT: 1  nn.add
// CHECK-NEXT: 1  nn.matmul
// CHECK-NEXT: 1  qopt.dequantize
// CHECK: largest constants:
// CHECK-NEXT: 8 B  float32[2]  scales
// CHECK: provenance:
// CHECK: onnx.opset: 17
// CHECK: onnx.producer: somebody
// CHECK-NOT: qopt.ranges

// JSON: "bytes": 20,
// JSON: "int4": {
// JSON-NEXT: "bytes": 4,
// JSON-NEXT: "elements": 8,
// JSON-NEXT: "tensors": 1
// JSON: "largest": [
// JSON: "name": "scales"
// JSON-NOT: "name": "bias"
// JSON: "nn.matmul": 1
// ENDING: is not a model that qopt reads

module attributes {onnx.opset = 17 : i64, onnx.producer = "somebody", qopt.ranges = {x = array<f64: -1.0, 3.0>}} {
  func.func @main(%x: tensor<?x4xf32> {nn.name = "x", nn.dims = ["batch", ""]}) -> (tensor<?x2xf32> {nn.name = "y"}) {
    %q = nn.constant dense<[[1, 2], [3, 4], [-5, 6], [7, -8]]> : tensor<4x2xi4>
    %s = nn.constant dense<[1.0, 2.0]> : tensor<2xf32> loc("scales")
    %b = nn.constant dense<[0.5, 0.25]> : tensor<2xf32> loc("bias")
    %unused = nn.constant dense<7.0> : tensor<100xf32>
    %w = qopt.dequantize %q, %s {axis = 1 : i64} : (tensor<4x2xi4>, tensor<2xf32>) -> tensor<4x2xf32>
    %m = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    %y = nn.add %m, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}
