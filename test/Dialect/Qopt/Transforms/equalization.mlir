// RUN: qopt-opt %s --qopt-equalization --split-input-file 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t

// Columns of the first weight reach 16 and 1, rows of the second 1 and 4: s is 4 and 1/2, all ranges are then 4 and 2.
// CHECK: qopt.decisions = [{code = "EQUAL-REFUSED", {{.*}}site = "first"}, {code = "EQUAL-DONE", {{.*}}site = "second"}]
// CHECK-LABEL: func @relu
// CHECK: %[[W1:.*]] = nn.constant dense<{{\[}}[4.000000e+00, 1.000000e+00], [-2.000000e+00, 2.000000e+00]]>
// CHECK: %[[H:.*]] = nn.matmul %{{.*}}, %[[W1]]
// CHECK: %[[B:.*]] = nn.constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK: %[[A:.*]] = nn.add %[[H]], %[[B]]
// CHECK: %[[R:.*]] = nn.relu %[[A]]
// CHECK: %[[W2:.*]] = nn.constant dense<{{\[}}[4.000000e+00, 2.000000e+00], [1.000000e+00, -2.000000e+00]]>
// CHECK: nn.matmul %[[R]], %[[W2]]
func.func @relu(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x2xf32> {
  %w1 = nn.constant dense<[[16.0, 0.5], [-8.0, 1.0]]> : tensor<2x2xf32>
  %b1 = nn.constant dense<[4.0, 1.0]> : tensor<2xf32>
  %w2 = nn.constant dense<[[1.0, 0.5], [2.0, -4.0]]> : tensor<2x2xf32>
  // REMARK: its input channels are not equalized: it is an input of the model [EQUAL-REFUSED]
  %h = nn.matmul %x, %w1 : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("first")
  %a = nn.add %h, %b1 : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %r = nn.relu %a : (tensor<?x2xf32>) -> tensor<?x2xf32>
  // REMARK: its 2 input channels were equalized with the outputs of 'first' by factors from 0.50 to 4.00 [EQUAL-DONE]
  %y = nn.matmul %r, %w2 : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("second")
  return %y : tensor<?x2xf32>
}

// -----

// A depthwise convolution reads its channels along its outputs, through a pool; both readers of a value count together.
// CHECK-LABEL: func @convolutions
// CHECK: nn.constant dense<2.000000e+00> : tensor<2x1x1x1xf32>
// CHECK: nn.conv
// CHECK: nn.relu
// CHECK: nn.constant dense<2.000000e+00> : tensor<2x1x1x1xf32>
// CHECK: nn.conv
func.func @convolutions(%x: tensor<1x1x4x4xf32> {nn.name = "x"}) -> tensor<1x2x4x4xf32> {
  %w1 = nn.constant dense<[[[[4.0]]], [[[1.0]]]]> : tensor<2x1x1x1xf32>
  %w2 = nn.constant dense<[[[[1.0]]], [[[4.0]]]]> : tensor<2x1x1x1xf32>
  %h = nn.conv %x, %w1 {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
      : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32> loc("pointwise")
  %r = nn.relu %h : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  // REMARK: equalized with the outputs of 'pointwise'
  %y = nn.conv %r, %w2 {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 2 : i64}
      : (tensor<1x2x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32> loc("depthwise")
  return %y : tensor<1x2x4x4xf32>
}

// -----

// What cannot be exact is refused: a bound that would scale, a function that is not homogeneous, a second reader.
// CHECK-LABEL: func @refused
// CHECK: nn.constant dense<{{\[}}[1.600000e+01, 1.000000e+00]]>
// CHECK-NOT: nn.constant dense<{{\[}}[4
func.func @refused(%x: tensor<?x1xf32> {nn.name = "x"}) -> (tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = nn.constant dense<[[16.0, 1.0]]> : tensor<1x2xf32>
  %w2 = nn.constant dense<[[1.0], [1.0]]> : tensor<2x1xf32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %h = nn.matmul %x, %w : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32> loc("first")
  %c = nn.clip %h low %zero high %six : (tensor<?x2xf32>, tensor<f32>, tensor<f32>) -> tensor<?x2xf32> loc("clip")
  // REMARK: not equalized: 'clip' is in the way: it clips at a bound that would have to differ from channel to channel [EQUAL-REFUSED]
  %y1 = nn.matmul %c, %w2 : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32> loc("after clip")
  %h2 = nn.matmul %x, %w : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32> loc("other")
  %s = nn.sigmoid %h2 : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("sigmoid")
  // REMARK: not equalized: 'sigmoid' (nn.sigmoid) does not pass factors on
  %y2 = nn.matmul %s, %w2 : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32> loc("after sigmoid")
  %h3 = nn.matmul %x, %w : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32> loc("third")
  %r = nn.relu %h3 : (tensor<?x2xf32>) -> tensor<?x2xf32>
  // REMARK: not equalized: it is a result of the model [EQUAL-REFUSED]
  %y3 = nn.matmul %r, %w2 : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32> loc("before result")
  return %r, %y1, %y2, %y3 : tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// linalg: the factors reach the weight and what the product is added to.
// CHECK-LABEL: func @linalg
// CHECK: arith.constant dense<{{\[}}[4.000000e+00, 1.000000e+00], [-2.000000e+00, 2.000000e+00]]>
// CHECK: arith.constant dense<{{\[}}[1.000000e+00, 2.000000e+00]]>
// CHECK: linalg.matmul
// CHECK: linalg.max
// CHECK: arith.constant dense<{{\[}}[4.000000e+00, 2.000000e+00], [1.000000e+00, -2.000000e+00]]>
// CHECK: linalg.matmul
func.func @linalg(%x: tensor<1x2xf32> {nn.name = "x"}) -> tensor<1x2xf32> {
  %w1 = arith.constant dense<[[16.0, 0.5], [-8.0, 1.0]]> : tensor<2x2xf32>
  %b1 = arith.constant dense<[[4.0, 1.0]]> : tensor<1x2xf32>
  %w2 = arith.constant dense<[[1.0, 0.5], [2.0, -4.0]]> : tensor<2x2xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x2xf32>
  %empty = tensor.empty() : tensor<1x2xf32>
  %h = linalg.matmul ins(%x, %w1 : tensor<1x2xf32>, tensor<2x2xf32>) outs(%b1 : tensor<1x2xf32>) -> tensor<1x2xf32> loc("first")
  %r = linalg.max ins(%h, %zeros : tensor<1x2xf32>, tensor<1x2xf32>) outs(%empty : tensor<1x2xf32>) -> tensor<1x2xf32>
  // REMARK: its 2 input channels were equalized with the outputs of 'first' by factors from 0.50 to 4.00 [EQUAL-DONE]
  %y = linalg.matmul ins(%r, %w2 : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zeros : tensor<1x2xf32>) -> tensor<1x2xf32> loc("second")
  return %y : tensor<1x2xf32>
}

// -----

// tosa: a fully connected layer, a clamp from zero, another layer.
// CHECK-LABEL: func @tosa
// CHECK: values = dense<2.000000e+00> : tensor<2x1x1x1xf32>
// CHECK: tosa.conv2d
func.func @tosa(%x: tensor<1x1x1x1xf32> {nn.name = "x"}) -> tensor<1x1x1x1xf32> {
  %w1 = "tosa.const"() {values = dense<[[[[4.0]]], [[[1.0]]]]> : tensor<2x1x1x1xf32>} : () -> tensor<2x1x1x1xf32>
  %b1 = "tosa.const"() {values = dense<[2.0, 1.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %w2 = "tosa.const"() {values = dense<[[[[1.0, 4.0]]]]> : tensor<1x1x1x2xf32>} : () -> tensor<1x1x1x2xf32>
  %b2 = "tosa.const"() {values = dense<[1.0]> : tensor<1xf32>} : () -> tensor<1xf32>
  %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %h = tosa.conv2d %x, %w1, %b1, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
      : (tensor<1x1x1x1xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x2xf32> loc("first")
  %r = tosa.clamp %h {min_val = 0.0 : f32, max_val = 3.40282347E+38 : f32} : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  // REMARK: equalized with the outputs of 'first'
  %y = tosa.conv2d %r, %w2, %b2, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
      : (tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x1xf32> loc("second")
  return %y : tensor<1x1x1x1xf32>
}
