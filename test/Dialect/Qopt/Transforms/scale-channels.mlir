// Factors of SmoothQuant (and of AWQ, by the same function) go into what makes the input where that is exact.
// RUN: qopt-opt %s --qopt-smoothquant="alpha=0.5" --split-input-file | FileCheck %s

// Into the norm's scale and bias; the site keeps its name, its statistics are divided.
// CHECK: qopt.channels = {normed = {max = dense<[0.000000e+00, 2.000000e+00]> : tensor<2xf32>, mean_square = dense<[2.500000e-01, 4.000000e+00]> : tensor<2xf32>, min = dense<[-8.000000e+00, 0.000000e+00]> : tensor<2xf32>}}
// CHECK-SAME: code = "FOLD-DONE", {{.*}}reason = "the factors on its input went into the constants of 'normed'"
// CHECK-SAME: qopt.ranges = {normed = array<f64: -8.000000e+00, 2.000000e+00>}
// CHECK-SAME: qopt.scaled_inputs = {normed = {by = dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>, of = "normed"}}
// CHECK-LABEL: func @norm
// CHECK: %[[SCALE:.*]] = nn.constant dense<[1.500000e+00, 8.000000e+00]>
// CHECK: %[[BIAS:.*]] = nn.constant dense<[5.000000e-01, 2.000000e+00]>
// CHECK: %[[N:.*]] = nn.layer_normalization %arg0, %[[SCALE]], %[[BIAS]]
// CHECK-NOT: nn.mul
// CHECK: nn.matmul %[[N]]
module attributes {qopt.channels = {normed = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                              mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @norm(%x: tensor<4x2xf32> {nn.name = "x"}) -> tensor<4x2xf32> {
    %scale = nn.constant dense<[3.0, 4.0]> : tensor<2xf32>
    %bias = nn.constant dense<[1.0, 1.0]> : tensor<2xf32>
    %w = nn.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
    %n = nn.layer_normalization %x, %scale, %bias {axis = 1 : i64, epsilon = 1.0e-05 : f32}
        : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32> loc("normed")
    %a = nn.matmul %n, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("linear")
    return %a : tensor<4x2xf32>
  }
}

// -----

// A gate lets them through to the product beside it (up_proj before down_proj); a range between becomes one that surely holds all.
// CHECK: qopt.ranges = {gated = array<f64: -8.000000e+00, 2.000000e+00>, up = array<f64: -2.000000e+00, 6.000000e+00>}
// CHECK-LABEL: func @gate
// CHECK: %[[W:.*]] = nn.constant dense<{{\[}}[5.000000e-01, 2.000000e+00], [5.000000e-01, 2.000000e+00]]>
// CHECK: nn.matmul %arg0, %[[W]]
module attributes {qopt.ranges = {up = array<f64: -1.0, 3.0>},
                   qopt.channels = {gated = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                             mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @gate(%x: tensor<4x2xf32> {nn.name = "x"}) -> tensor<4x2xf32> {
    %w = nn.constant dense<1.0> : tensor<2x2xf32>
    %v = nn.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
    %g = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("gate")
    %s = nn.swish %g : (tensor<4x2xf32>) -> tensor<4x2xf32>
    %u = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("up")
    %m = nn.mul %s, %u : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> loc("gated")
    %y = nn.matmul %m, %v : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("down")
    return %y : tensor<4x2xf32>
  }
}

// -----

// Heads of attention, through moves of dims: into the values' product.
// CHECK-LABEL: func @heads
// CHECK: %[[W:.*]] = nn.constant dense<{{\[}}[5.000000e-01, 2.000000e+00], [5.000000e-01, 2.000000e+00]]>
// CHECK: %[[V:.*]] = nn.matmul %arg1, %[[W]]
// CHECK-NOT: nn.mul
module attributes {qopt.channels = {joined = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                              mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @heads(%p: tensor<1x2x3x3xf32> {nn.name = "p"}, %x: tensor<1x3x2xf32> {nn.name = "x"}) -> tensor<1x3x2xf32> {
    %w = nn.constant dense<1.0> : tensor<2x2xf32>
    %o = nn.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
    %split = nn.constant dense<[1, 3, 2, 1]> : tensor<4xi64>
    %join = nn.constant dense<[1, 3, 2]> : tensor<3xi64>
    %v = nn.matmul %x, %w : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32> loc("v")
    %r = nn.reshape %v, %split : (tensor<1x3x2xf32>, tensor<4xi64>) -> tensor<1x3x2x1xf32>
    %t = nn.transpose %r {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x3x2x1xf32>) -> tensor<1x2x3x1xf32>
    %a = nn.matmul %p, %t : (tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
    %u = nn.transpose %a {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x3x1xf32>) -> tensor<1x3x2x1xf32>
    %j = nn.reshape %u, %join : (tensor<1x3x2x1xf32>, tensor<3xi64>) -> tensor<1x3x2xf32> loc("joined")
    %y = nn.matmul %j, %o : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32> loc("o")
    return %y : tensor<1x3x2xf32>
  }
}

// -----

// Something else reads the tensor: an explicit multiplication, and the record says why.
// CHECK: code = "FOLD-MULTIPLY", {{.*}}reason = "the factors on its input are multiplied at run time: 'tanh' reads it too"
// CHECK-LABEL: func @shared
// CHECK: nn.mul
module attributes {qopt.channels = {relu = {min = dense<[-16.0, 0.0]> : tensor<2xf32>, max = dense<[0.0, 1.0]> : tensor<2xf32>,
                                            mean_square = dense<[1.0, 1.0]> : tensor<2xf32>}}} {
  func.func @shared(%x: tensor<4x2xf32> {nn.name = "x"}) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
    %w = nn.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
    %h = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("first")
    %r = nn.relu %h : (tensor<4x2xf32>) -> tensor<4x2xf32> loc("relu")
    %t = nn.tanh %r : (tensor<4x2xf32>) -> tensor<4x2xf32> loc("tanh")
    %y = nn.matmul %r, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("second")
    return %y, %t : tensor<4x2xf32>, tensor<4x2xf32>
  }
}
