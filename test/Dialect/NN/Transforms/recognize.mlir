// RUN: qopt-opt %s --nn-recognize --split-input-file | FileCheck %s

// CHECK-LABEL: @gelu_erf
func.func @gelu_erf(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: nn.gelu %arg0 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %r = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %d = nn.div %x, %r : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %e = nn.erf %d : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = nn.add %e, %one : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %m = nn.mul %x, %a : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = nn.mul %m, %half : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Another constant is another function.
// CHECK-LABEL: @not_gelu
func.func @not_gelu(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: nn.gelu
  %r = nn.constant dense<1.5> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %d = nn.div %x, %r : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %e = nn.erf %d : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = nn.add %e, %one : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %m = nn.mul %x, %a : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = nn.mul %m, %half : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: @silu
func.func @silu(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: nn.swish %arg0
  %s = nn.sigmoid %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = nn.mul %s, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: @hard_swish
func.func @hard_swish(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: nn.hard_swish %arg0
  %three = nn.constant dense<3.0> : tensor<1xf32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %a = nn.add %x, %three : (tensor<?x8xf32>, tensor<1xf32>) -> tensor<?x8xf32>
  %c = nn.clip %a low %zero high %six : (tensor<?x8xf32>, tensor<f32>, tensor<f32>) -> tensor<?x8xf32>
  %m = nn.mul %x, %c : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = nn.div %m, %six : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: @layer_norm
func.func @layer_norm(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: nn.layer_normalization %arg0, %{{.*}}, %{{.*}} {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
  %two = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-5> : tensor<f32>
  %scale = nn.constant dense<3.0> : tensor<8xf32>
  %bias = nn.constant dense<4.0> : tensor<8xf32>
  %m = nn.reduce_mean %x {axes = array<i64: 1>} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %c = nn.sub %x, %m : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %p = nn.pow %c, %two : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %v = nn.reduce_mean %p {axes = array<i64: 1>} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %e = nn.add %v, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %s = nn.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %d = nn.div %c, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %k = nn.mul %d, %scale : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = nn.add %k, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: @rms_norm
func.func @rms_norm(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: nn.rms_normalization %arg0, %{{.*}} {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
  %eps = nn.constant dense<1.0e-5> : tensor<1xf32>
  %scale = nn.constant dense<3.0> : tensor<8xf32>
  %p = nn.mul %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v = nn.reduce_mean %p {axes = array<i64: 1>} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %e = nn.add %v, %eps : (tensor<?x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %s = nn.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %d = nn.div %x, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %y = nn.mul %d, %scale : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
