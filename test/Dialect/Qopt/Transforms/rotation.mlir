// RUN: qopt-opt %s --qopt-rotation=randomized=false --split-input-file 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: qopt-opt %s --qopt-rotation=seed=1 --split-input-file 2>&1 | FileCheck %s --check-prefix=RANDOM
// RUN: qopt-opt %s --qopt-rotation=targets=up,head --split-input-file 2>&1 | FileCheck %s --check-prefix=TARGETS

// Hadamard of order 4 over 2, in everything that writes (table, down, bias) and reads (up, with the norm's scale, and head).
// REMARK: remark: loc("norm"): the stream of 4 channels that it normalizes was turned by a Hadamard matrix of order 4: 3 writers, 2 readers, 2 norms [ROTATE-DONE]
// RANDOM: turned by a Hadamard matrix with random signs of order 4
// TARGETS: the stream that it normalizes is not rotated: 'down' writes into it and is none of the targets [ROTATE-REFUSED]
// CHECK-LABEL: func @decoder
// CHECK: %[[TABLE:.*]] = nn.constant dense<{{\[}}[1.000000e+00, 1.000000e+00, 1.000000e+00, 1.000000e+00], [1.000000e+00, -1.000000e+00, 1.000000e+00, -1.000000e+00]]>
// CHECK: %[[X:.*]] = nn.gather %[[TABLE]]
// CHECK: %[[ONES:.*]] = nn.constant dense<1.000000e+00> : tensor<4xf32>
// CHECK: %[[N:.*]] = nn.rms_normalization %[[X]], %[[ONES]]
// CHECK: %[[UP:.*]] = nn.constant dense<{{\[}}[1.000000e+00, 2.000000e+00], [1.000000e+00, -2.000000e+00], [1.000000e+00, 2.000000e+00], [1.000000e+00, -2.000000e+00]]>
// CHECK: nn.matmul %[[N]], %[[UP]]
// CHECK: nn.constant dense<{{\[}}[1.000000e+00, 1.000000e+00, 1.000000e+00, 1.000000e+00], [1.000000e+00, -1.000000e+00, 1.000000e+00, -1.000000e+00]]>
// CHECK: nn.constant dense<[1.000000e+00, 1.000000e+00, -1.000000e+00, -1.000000e+00]>
// CHECK: nn.add
// CHECK: nn.add
// CHECK: nn.rms_normalization
// CHECK: nn.constant dense<{{\[}}[3.000000e+00], [-3.000000e+00], [-3.000000e+00], [3.000000e+00]]>
// CHECK: nn.matmul
func.func @decoder(%ids: tensor<?xi64> {nn.name = "ids"}) -> tensor<?x1xf32> {
  %table = nn.constant dense<[[2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %scale = nn.constant dense<[1.0, 2.0, 1.0, 3.0]> : tensor<4xf32>
  %up = nn.constant dense<[[2.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]]> : tensor<4x2xf32>
  %down = nn.constant dense<[[2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %bias = nn.constant dense<[0.0, 0.0, 2.0, 0.0]> : tensor<4xf32>
  %head = nn.constant dense<[[0.0], [0.0], [0.0], [2.0]]> : tensor<4x1xf32>
  %x = nn.gather %table, %ids {axis = 0 : i64} : (tensor<2x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  %n = nn.rms_normalization %x, %scale {axis = 1 : i64, epsilon = 1.0e-05 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> loc("norm")
  %u = nn.matmul %n, %up : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32> loc("up")
  %r = nn.relu %u : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %d = nn.matmul %r, %down : (tensor<?x2xf32>, tensor<2x4xf32>) -> tensor<?x4xf32> loc("down")
  %b = nn.add %d, %bias : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %s = nn.add %x, %b : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %f = nn.rms_normalization %s, %scale {axis = 1 : i64, epsilon = 1.0e-05 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> loc("final")
  %y = nn.matmul %f, %head : (tensor<?x4xf32>, tensor<4x1xf32>) -> tensor<?x1xf32> loc("head")
  return %y : tensor<?x1xf32>
}

// -----

// The stream itself is a result.
// REMARK: remark: loc("norm"): the stream that it normalizes is not rotated: it is a result of the model [ROTATE-REFUSED]
// CHECK-LABEL: func @open
// CHECK: nn.constant dense<{{\[}}[2.000000e+00, 0.000000e+00]]>
func.func @open(%ids: tensor<?xi64> {nn.name = "ids"}) -> (tensor<?x1xf32>, tensor<?x2xf32>) {
  %table = nn.constant dense<[[2.0, 0.0]]> : tensor<1x2xf32>
  %scale = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %head = nn.constant dense<[[0.0], [1.0]]> : tensor<2x1xf32>
  %x = nn.gather %table, %ids {axis = 0 : i64} : (tensor<1x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
  %n = nn.rms_normalization %x, %scale {axis = 1 : i64, epsilon = 1.0e-05 : f32} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("norm")
  %y = nn.matmul %n, %head : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
  return %y, %x : tensor<?x1xf32>, tensor<?x2xf32>
}

// -----

// REMARK: nothing is rotated: there is 'layer norm', but it subtracts the channels' mean, which a rotation does not keep [ROTATE-NONE]
func.func @mean(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x2xf32> {
  %scale = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %n = nn.layer_normalization %x, %scale {axis = 1 : i64, epsilon = 1.0e-05 : f32} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("layer norm")
  return %n : tensor<?x2xf32>
}

// -----

// REMARK: nothing is rotated: no RMS norm reads a sum of vectors here, so there is no residual stream [ROTATE-NONE]
func.func @none(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x2xf32> {
  return %x : tensor<?x2xf32>
}
