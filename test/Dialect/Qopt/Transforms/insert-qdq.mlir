// RUN: qopt-opt %s --qopt-insert-qdq --split-input-file | FileCheck %s
// RUN: qopt-opt %s --qopt-insert-qdq="activations=none" --split-input-file | FileCheck %s --check-prefix=WEIGHT
// RUN: qopt-opt %s --qopt-insert-qdq="activations=dynamic" --split-input-file | FileCheck %s --check-prefix=DYNAMIC

// Range [-1, 3] in ui8: scale 4/255, zero point 64. Weight columns 127 and 254 give scales 1 and 2.
module attributes {qopt.ranges = {x = array<f64: -1.0, 3.0>}} {
  // CHECK-LABEL: func @linear
  // CHECK-DAG: %[[S:.*]] = nn.constant dense<0.0156862754> : tensor<f32>
  // CHECK-DAG: %[[Z:.*]] = nn.constant dense<64> : tensor<ui8>
  // CHECK: %[[Q:.*]] = qopt.quantize %{{.*}}, %[[S]], %[[Z]]
  // CHECK: %[[D:.*]] = qopt.dequantize %[[Q]], %[[S]], %[[Z]]
  // CHECK-DAG: nn.constant dense<{{\[}}[127, 127], [-127, 0]]> : tensor<2x2xi8>
  // CHECK-DAG: nn.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  // CHECK: %[[W:.*]] = qopt.dequantize {{.*}}axis = 1
  // CHECK: nn.matmul %[[D]], %[[W]]
  // WEIGHT-LABEL: func @linear
  // WEIGHT-NOT: qopt.quantize
  // WEIGHT: qopt.dequantize {{.*}}axis = 1
  // DYNAMIC-LABEL: func @linear
  // DYNAMIC: %[[P:.*]] = qopt.dynamic_scale %{{.*}} {axis = 1 : i64, block_size = 2 : i64, top = 1.270000e+02 : f32}
  // DYNAMIC: qopt.quantize %{{.*}}, %[[P]] {axis = 1 : i64, block_size = 2 : i64}
  func.func @linear(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x2xf32> {
    %w = nn.constant dense<[[127.0, 254.0], [-127.0, 0.0]]> : tensor<2x2xf32>
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// A residual addition between integer ops reads codes; the branch that comes straight from a product stays in its accumulator.
module attributes {qopt.ranges = {x = array<f64: 0.0, 255.0>, sum = array<f64: 0.0, 510.0>}} {
  // CHECK-LABEL: func @residual
  // CHECK: %[[DX:.*]] = qopt.dequantize
  // CHECK: %[[A:.*]] = nn.matmul %[[DX]],
  // CHECK: %[[SUM:.*]] = nn.add %[[A]], %[[DX]]
  // CHECK: %[[QS:.*]] = qopt.quantize %[[SUM]]
  // CHECK: %[[DS:.*]] = qopt.dequantize %[[QS]]
  // CHECK: nn.matmul %[[DS]],
  func.func @residual(%x: tensor<4x2xf32> {nn.name = "x"}) -> tensor<4x2xf32> {
    %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
    %a = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
    %s = nn.add %a, %x : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> loc("sum")
    %y = nn.matmul %s, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
    return %y : tensor<4x2xf32>
  }
}

// -----

// Without a range for its activation a linear op stays in float, and the record says why.
// CHECK: module attributes {qopt.decisions = [{code = "QUANT-NO-RANGE", op = "nn.matmul", outcome = "fell back"
module {
  // CHECK-LABEL: func @unreached
  // CHECK-NOT: qopt.quantize
  func.func @unreached(%x: tensor<4x2xf32> {nn.name = "x"}) -> tensor<4x2xf32> {
    %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
    %a = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
    return %a : tensor<4x2xf32>
  }
}
