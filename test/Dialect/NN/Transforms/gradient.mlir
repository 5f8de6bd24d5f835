// RUN: qopt-opt %s --nn-gradient="function=main arguments=0" --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x3xf32> {nn.name = "x"}, %[[T:.*]]: tensor<?x3xf32>)
// CHECK-SAME: -> (tensor<f32>, tensor<?x3xf32> {nn.name = "gradient.x"})
func.func @main(%x: tensor<?x3xf32> {nn.name = "x"}, %t: tensor<?x3xf32>) -> tensor<f32> {
  // CHECK: %[[L:.*]] = nn.reduce_sum
  // CHECK: %[[ONE:.*]] = nn.constant dense<1.000000e+00> : tensor<f32>
  // CHECK: %[[D:.*]] = nn.expand %[[ONE]], {{.*}} -> tensor<?x3xf32>
  // CHECK: %[[G:.*]] = nn.mul %[[D]], %[[T]]
  // CHECK: return %[[L]], %[[G]] : tensor<f32>, tensor<?x3xf32>
  %p = nn.mul %x, %t : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %l = nn.reduce_sum %p {axes = array<i64: 0, 1>, keepdims = false} : (tensor<?x3xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// A computed weight: rows become a matrix in the function itself, and its gradient is a product of matrices.
// CHECK-LABEL: @main
// CHECK: %[[ROWS:.*]] = nn.reshape %arg1, {{.*}} -> tensor<?x4xf32>
// CHECK: nn.matmul %[[ROWS]], %{{.*}} : (tensor<?x4xf32>, tensor<4x6xf32>)
// CHECK: %[[XT:.*]] = nn.transpose %[[ROWS]] {perm = array<i64: 1, 0>}
// CHECK: %[[DW:.*]] = nn.matmul %[[XT]], %{{.*}} : (tensor<4x?xf32>, tensor<?x6xf32>) -> tensor<4x6xf32>
// The scale's: twice two rows, the codes taken as they are.
// CHECK: %[[Q:.*]] = qopt.dequantize {{.*}} -> tensor<4x6xf32>
// CHECK: %[[P:.*]] = nn.mul %[[DW]], %[[Q]]
// CHECK: %[[R:.*]] = nn.reshape %[[P]], {{.*}} -> tensor<2x2x6xf32>
// CHECK: %[[DS:.*]] = nn.reduce_sum %[[R]] {axes = array<i64: 1>, keepdims = false} : (tensor<2x2x6xf32>) -> tensor<2x6xf32>
// CHECK: return %{{.*}}, %[[DS]]
func.func @main(%s: tensor<2x6xf32>, %x: tensor<?x?x4xf32>) -> tensor<f32> {
  %q = nn.constant dense<3> : tensor<4x6xi4>
  %w = qopt.dequantize %q, %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x6xi4>, tensor<2x6xf32>) -> tensor<4x6xf32>
  %y = nn.matmul %x, %w : (tensor<?x?x4xf32>, tensor<4x6xf32>) -> tensor<?x?x6xf32>
  %l = nn.reduce_mean %y {axes = array<i64: 0, 1, 2>, keepdims = false} : (tensor<?x?x6xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// A constant matrix is not transposed but read transposed; repeated heads are summed.
// CHECK-LABEL: @main
// CHECK: nn.gemm {{.*}} {transB = true}
// CHECK: nn.reshape {{.*}} -> tensor<?x2x3x4xf32>
// CHECK: nn.reduce_sum {{.*}} {axes = array<i64: 2>, keepdims = false} : (tensor<?x2x3x4xf32>) -> tensor<?x2x4xf32>
func.func @main(%x: tensor<?x2x4xf32>) -> tensor<f32> {
  %w = nn.constant dense<2.0> : tensor<4x5xf32>
  %i = nn.constant dense<[0, 0, 0, 1, 1, 1]> : tensor<6xi64>
  %g = nn.gather %x, %i {axis = 1 : i64} : (tensor<?x2x4xf32>, tensor<6xi64>) -> tensor<?x6x4xf32>
  %y = nn.matmul %g, %w : (tensor<?x6x4xf32>, tensor<4x5xf32>) -> tensor<?x6x5xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0, 1, 2>, keepdims = false} : (tensor<?x6x5xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// Straight through a quantized activation, but for codes that were saturated; the scale counts as given.
// CHECK-LABEL: @main
// CHECK: %[[S:.*]] = qopt.dynamic_scale
// CHECK: %[[DQ:.*]] = nn.mul %{{.*}}, %[[S]]
// CHECK: %[[RATIO:.*]] = nn.div %arg0, %[[S]]
// CHECK: %[[CODE:.*]] = nn.round %[[RATIO]]
// CHECK: %[[LEAST:.*]] = nn.constant dense<-8.000000e+00> : tensor<f32>
// CHECK: nn.greater_or_equal %[[CODE]], %[[LEAST]]
// CHECK: %[[GREATEST:.*]] = nn.constant dense<7.000000e+00> : tensor<f32>
// CHECK: nn.less_or_equal %[[CODE]], %[[GREATEST]]
// CHECK: %[[DX:.*]] = nn.div %{{.*}}, %[[S]]
// CHECK: return %{{.*}}, %[[DX]]
func.func @main(%x: tensor<?x8xf32>) -> tensor<f32> {
  %s = qopt.dynamic_scale %x {axis = 1 : i64, block_size = 8 : i64, top = 7.0 : f32} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %q = qopt.quantize %x, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xi4>
  %d = qopt.dequantize %q, %s : (tensor<?x8xi4>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %l = nn.reduce_sum %d {axes = array<i64: 0, 1>, keepdims = false} : (tensor<?x8xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// A part that nothing uses has a gradient of zeros.
// CHECK-LABEL: @main
// CHECK: %[[ZEROS:.*]] = nn.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK: nn.concat %{{.*}}, %[[ZEROS]] {axis = 0 : i64}
func.func @main(%x: tensor<5xf32>) -> tensor<f32> {
  %u, %v = nn.split %x {axis = 0 : i64, split = array<i64: 2, 3>} : (tensor<5xf32>) -> (tensor<2xf32>, tensor<3xf32>)
  %l = nn.reduce_sum %u {axes = array<i64: 0>, keepdims = false} : (tensor<2xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// No path: zeros. Comparisons end paths.
// CHECK-LABEL: @main
// CHECK: %[[Z:.*]] = nn.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK: return %{{.*}}, %[[Z]]
func.func @main(%x: tensor<3xf32>, %t: tensor<3xf32>) -> tensor<f32> {
  %c = nn.greater %x, %t : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %y = nn.where %c, %t, %t : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0>, keepdims = false} : (tensor<3xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// By a convolution's input: zeros between the pixels of the gradient, and the weight with outputs and inputs exchanged, back to front.
// CHECK-LABEL: @main
// CHECK: nn.pad {{.*}} -> tensor<?x4x4x2xf32>
// CHECK: %[[SPREAD:.*]] = nn.reshape {{.*}} -> tensor<?x4x8xf32>
// CHECK: nn.slice %arg1, {{.*}} {axes = array<i64: 2>, steps = array<i64: -1>} : {{.*}} -> tensor<4x3x2xf32>
// CHECK: %[[TURNED:.*]] = nn.reshape {{.*}} -> tensor<3x4x2xf32>
// CHECK: %[[DX:.*]] = nn.conv %[[SPREAD]], %[[TURNED]] {dilations = array<i64: 2>, pads = array<i64: 1, 2>, strides = array<i64: 1>} {{.*}} -> tensor<?x3x9xf32>
// CHECK: return %{{.*}}, %[[DX]]
func.func @main(%x: tensor<?x3x9xf32>, %w: tensor<4x3x2xf32>) -> tensor<f32> {
  %y = nn.conv %x, %w {strides = array<i64: 2>, dilations = array<i64: 2>, pads = array<i64: 1, 0>} : (tensor<?x3x9xf32>, tensor<4x3x2xf32>) -> tensor<?x4x4xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0, 1, 2>, keepdims = false} : (tensor<?x4x4xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// By its weight: a product for each tap.
// CHECK-LABEL: @main
// CHECK: nn.pad %arg1, {{.*}} -> tensor<?x3x10xf32>
// CHECK-COUNT-2: nn.matmul {{.*}} : (tensor<1x4x?xf32>, tensor<1x?x3xf32>) -> tensor<1x4x3xf32>
// CHECK: nn.concat {{.*}} -> tensor<1x4x3x2xf32>
// CHECK: %[[DW:.*]] = nn.reshape {{.*}} -> tensor<4x3x2xf32>
// CHECK: return %{{.*}}, %[[DW]]
func.func @main(%w: tensor<4x3x2xf32>, %x: tensor<?x3x9xf32>) -> tensor<f32> {
  %y = nn.conv %x, %w {strides = array<i64: 2>, dilations = array<i64: 2>, pads = array<i64: 1, 0>} : (tensor<?x3x9xf32>, tensor<4x3x2xf32>) -> tensor<?x4x4xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0, 1, 2>, keepdims = false} : (tensor<?x4x4xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// Elements that are the largest of a window share its gradient.
// CHECK-LABEL: @main
// CHECK: %[[FIRST:.*]] = nn.slice %arg0, {{.*}} -> tensor<?x2x3xf32>
// CHECK: nn.equal %[[FIRST]], %{{.*}} -> tensor<?x2x3xi1>
// CHECK: %[[COUNT:.*]] = nn.add
// CHECK: %[[SHARE:.*]] = nn.div %{{.*}}, %[[COUNT]]
// CHECK: nn.mul %[[SHARE]]
// CHECK: nn.mul %[[SHARE]]
func.func @main(%x: tensor<?x2x6xf32>) -> tensor<f32> {
  %y = nn.max_pool %x {kernel_shape = array<i64: 2>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<?x2x6xf32>) -> tensor<?x2x3xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0, 1, 2>, keepdims = false} : (tensor<?x2x3xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// Attention becomes what it stands for; heads that queries share are repeated, and their gradients summed.
// CHECK-LABEL: @main
// CHECK-NOT: nn.attention
// CHECK: %[[KEYS:.*]] = nn.gather %arg0
// CHECK: nn.softmax
// CHECK: nn.reduce_sum {{.*}} -> tensor<?x2x?x8xf32>
// CHECK-NOT: nn.attention
func.func @main(%k: tensor<?x2x?x8xf32>, %q: tensor<?x4x?x8xf32>, %v: tensor<?x2x?x8xf32>) -> tensor<f32> {
  %z = nn.attention %q, %k, %v {scale = 0.5 : f32} : (tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x4x?x8xf32>
  %l = nn.reduce_sum %z {axes = array<i64: 0, 1, 2, 3>, keepdims = false} : (tensor<?x4x?x8xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

func.func @main(%x: tensor<3xf32>) -> tensor<f32> {
  // expected-error @below {{'nn.round' op is on a path from an argument to the loss, and has no gradient}}
  %y = nn.round %x : (tensor<3xf32>) -> tensor<3xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0>, keepdims = false} : (tensor<3xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

func.func @main(%x: tensor<7xf32>) -> tensor<f32> {
  %s = nn.constant dense<0> : tensor<1xi64>
  %e = nn.constant dense<7> : tensor<1xi64>
  // expected-error @below {{'nn.slice' op has no gradient with respect to operand 0 for these types and attributes}}
  %y = nn.slice %x, %s, %e {axes = array<i64: 0>, steps = array<i64: 2>} : (tensor<7xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0>, keepdims = false} : (tensor<4xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

func.func @main(%x: tensor<2x3xf32>, %t: tensor<2x3xf32>) -> tensor<f32> {
  // expected-error @below {{'nn.add' op is said to have the shape [?], but its operands make [2,3]}}
  %y = nn.add %x, %t : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<?xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0>, keepdims = false} : (tensor<?xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

func.func @main(%x: tensor<?xf32>, %a: tensor<4xf32>, %b: tensor<5xf32>) -> tensor<f32> {
  // expected-error @below {{'nn.mul' op has no gradient: cannot broadcast 5 against 4 in dim 0}}
  %u = nn.mul %x, %a : (tensor<?xf32>, tensor<4xf32>) -> tensor<4xf32>
  %v = nn.mul %x, %b : (tensor<?xf32>, tensor<5xf32>) -> tensor<5xf32>
  %k = nn.reduce_sum %u {axes = array<i64: 0>, keepdims = false} : (tensor<4xf32>) -> tensor<f32>
  %m = nn.reduce_sum %v {axes = array<i64: 0>, keepdims = false} : (tensor<5xf32>) -> tensor<f32>
  %l = nn.add %k, %m : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// Bounds are not differentiated.
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @below {{'nn.clip' op has no gradient with respect to operand 1 for these types and attributes}}
  %y = nn.clip %x low %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// expected-error @below {{its first result must be a loss, tensor<f32>}}
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  return %x : tensor<3xf32>
}

// -----

// expected-error @below {{cannot be differentiated with respect to argument 0 of type 'tensor<3xi32>': it must be a ranked tensor of floats}}
func.func @main(%x: tensor<3xi32>, %l: tensor<f32>) -> tensor<f32> {
  return %l : tensor<f32>
}

// -----

// expected-error @below {{has no argument 0 to differentiate with respect to}}
func.func @main() -> tensor<f32> {
  %l = nn.constant dense<1.0> : tensor<f32>
  return %l : tensor<f32>
}

// -----

// expected-error @below {{nn-gradient: there is no function 'main'}}
module {
}

// -----

// Kernels of channels-last convolutions come after gradients.
func.func @main(%x: tensor<?x9x3xf32>) -> tensor<f32> {
  %w = nn.constant dense<1.0> : tensor<2x3x4xf32>
  // expected-error @below {{'nn.conv' op has no gradient with respect to operand 0 for these types and attributes}}
  %y = nn.conv %x, %w {layout = "NXC", strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<?x9x3xf32>, tensor<2x3x4xf32>) -> tensor<?x8x4xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0, 1, 2>, keepdims = false} : (tensor<?x8x4xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// Pads that depend on a size which is not known.
func.func @main(%x: tensor<?x2x?xf32>) -> tensor<f32> {
  // expected-error @below {{'nn.max_pool' op has no gradient with respect to operand 0 for these types and attributes}}
  %y = nn.max_pool %x {auto_pad = "SAME_UPPER", kernel_shape = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<?x2x?xf32>) -> tensor<?x2x?xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0, 1, 2>, keepdims = false} : (tensor<?x2x?xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

func.func @main(%q: tensor<?x?x?x8xf32>, %k: tensor<?x2x?x8xf32>) -> tensor<f32> {
  // expected-error @below {{'nn.attention' op is on a path from an argument to the loss, and has no gradient}}
  %y = nn.attention %q, %k, %k {scale = 0.5 : f32} : (tensor<?x?x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x?x?x8xf32>
  %l = nn.reduce_sum %y {axes = array<i64: 0, 1, 2, 3>, keepdims = false} : (tensor<?x?x?x8xf32>) -> tensor<f32>
  return %l : tensor<f32>
}
