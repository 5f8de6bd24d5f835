// Error feedback to formats that are no integers, under the scales of rounding to nearest, and for convolutions by groups.
// RUN: qopt-opt %s --qopt-gptq="weights=f4e2m1fn:channel order=none dampening=0.0001" --split-input-file | FileCheck %s --check-prefix=FLOAT
// RUN: qopt-opt %s --qopt-gptq="weights=nf4:group=4:double order=none dampening=0.0001" --qopt-insert-qdq="activations=none weights=nf4:group=4:double" --split-input-file | FileCheck %s --check-prefix=TABLE

// Both inputs are always equal. The scale is 1: 0.3 becomes 0.5, which the 0.3 after it makes up for.
// FLOAT-LABEL: func @pair
// FLOAT: nn.constant dense<{{\[}}[5.000000e-01], [0.000000e+00], [-6.000000e+00]]> : tensor<3x1xf4E2M1FN>
// FLOAT: qopt.dequantize {{.*}} {axis = 1 : i64} : (tensor<3x1xf4E2M1FN>, tensor<1xf32>) -> tensor<3x1xf32>
// What the pass has made stays: table, scales and scales of scales are a quantized weight.
// TABLE: code = "GPTQ-DONE"
// TABLE-SAME: code = "QUANT-LINEAR"
// TABLE-LABEL: func @pair
// TABLE-COUNT-1: qopt.lookup
// TABLE-NOT: qopt.lookup
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  func.func @pair(%x: tensor<?x3xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[0.3], [0.3], [-6.0]]> : tensor<3x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}

// -----

// Two groups of one channel with a window of two; they share a Gram matrix, of which the blocks on the diagonal count. Inputs of the first
// group's window are equal, those of the second are independent.
// FLOAT-LABEL: func @depthwise
// FLOAT: nn.constant dense<{{\[\[}}[5.000000e-01, 0.000000e+00, -6.000000e+00]], {{\[}}[5.000000e-01, 5.000000e-01, -6.000000e+00]]]> : tensor<2x1x3xf4E2M1FN>
module attributes {qopt.inputs = {"x@k3s1d1p0x0c0+2" = {
    gram = dense<[[4.0, 4.0, 0.0, 1.0, 1.0, 1.0], [4.0, 4.0, 0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 4.0, 1.0, 1.0, 1.0],
                  [1.0, 1.0, 1.0, 4.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0, 4.0, 0.0], [1.0, 1.0, 1.0, 0.0, 0.0, 4.0]]> : tensor<6x6xf64>,
    mean_abs = dense<1.0> : tensor<6xf32>, rows = 8 : i64}}} {
  func.func @depthwise(%x: tensor<?x2x8xf32> {nn.name = "x"}) -> tensor<?x2x6xf32> {
    %w = nn.constant dense<[[[0.3, 0.3, -6.0]], [[0.3, 0.3, -6.0]]]> : tensor<2x1x3xf32>
    %y = nn.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, group = 2 : i64}
        : (tensor<?x2x8xf32>, tensor<2x1x3xf32>) -> tensor<?x2x6xf32>
    return %y : tensor<?x2x6xf32>
  }
}
