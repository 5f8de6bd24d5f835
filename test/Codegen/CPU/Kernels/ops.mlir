// RUN: qopt-opt %s --split-input-file --verify-diagnostics | qopt-opt --split-input-file | FileCheck %s

// CHECK-LABEL: @gemm
func.func @gemm(%a: tensor<?x128x384xf32>, %b: tensor<96x384x16xf32>, %init: tensor<1536xf32>, %out: tensor<?x128x1536xf32>) -> tensor<?x128x1536xf32> {
  // CHECK: qcpu.gemm %{{.*}}, %{{.*}} init %{{.*}} outs %{{.*}} {kernel = "f32.avx2"}
  %y = qcpu.gemm %a, %b init %init outs %out {kernel = "f32.avx2"} : (tensor<?x128x384xf32>, tensor<96x384x16xf32>, tensor<1536xf32>, tensor<?x128x1536xf32>) -> tensor<?x128x1536xf32>
  return %y : tensor<?x128x1536xf32>
}

// -----

// CHECK-LABEL: @decoding_gemm
func.func @decoding_gemm(%a: tensor<?x40xf32>, %b: tensor<1x40x16xi8>, %s: tensor<1x2x16xf32>, %out: tensor<?x9xf32>) -> tensor<?x9xf32> {
  // CHECK: qcpu.gemm %{{.*}}, %{{.*}} scales %{{.*}} outs %{{.*}} {group = 32 : i64, kernel = "f32i8.avx2"}
  %y = qcpu.gemm %a, %b scales %s outs %out {kernel = "f32i8.avx2", group = 32 : i64} : (tensor<?x40xf32>, tensor<1x40x16xi8>, tensor<1x2x16xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// CHECK-LABEL: @nibbles
func.func @nibbles(%a: tensor<?x40xf32>, %b: tensor<1x40x8xi8>, %s: tensor<1x2x16xf32>, %z: tensor<1x2x16xf32>, %out: tensor<?x9xf32>) -> tensor<?x9xf32> {
  // CHECK: qcpu.gemm %{{.*}}, %{{.*}} scales %{{.*}} zeros %{{.*}} outs %{{.*}} {group = 32 : i64, kernel = "f32i4.avx2"}
  %y = qcpu.gemm %a, %b scales %s zeros %z outs %out {kernel = "f32i4.avx2", group = 32 : i64} : (tensor<?x40xf32>, tensor<1x40x8xi8>, tensor<1x2x16xf32>, tensor<1x2x16xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

func.func @wrong_zeros(%a: tensor<4x40xf32>, %b: tensor<1x40x16xi8>, %s: tensor<1x2x16xf32>, %z: tensor<1x2x16xf32>, %out: tensor<4x9xf32>) -> tensor<4x9xf32> {
  // expected-error@+1 {{has zeros that are not f32 in the shape of the scales, or a kernel that takes none}}
  %y = qcpu.gemm %a, %b scales %s zeros %z outs %out {kernel = "f32i8.avx2", group = 32 : i64} : (tensor<4x40xf32>, tensor<1x40x16xi8>, tensor<1x2x16xf32>, tensor<1x2x16xf32>, tensor<4x9xf32>) -> tensor<4x9xf32>
  return %y : tensor<4x9xf32>
}

// -----

func.func @no_scales(%a: tensor<4x40xf32>, %b: tensor<1x40x16xi8>, %out: tensor<4x9xf32>) -> tensor<4x9xf32> {
  // expected-error@+1 {{needs scales and a group for kernels that decode weights, and for these only}}
  %y = qcpu.gemm %a, %b outs %out {kernel = "f32i8.avx2"} : (tensor<4x40xf32>, tensor<1x40x16xi8>, tensor<4x9xf32>) -> tensor<4x9xf32>
  return %y : tensor<4x9xf32>
}

// -----

func.func @scale_panels(%a: tensor<4x40xf32>, %b: tensor<1x40x16xi8>, %s: tensor<1x3x16xf32>, %out: tensor<4x9xf32>) -> tensor<4x9xf32> {
  // expected-error@+1 {{needs scales packed as panels × groups × 16}}
  %y = qcpu.gemm %a, %b scales %s outs %out {kernel = "f32i8.avx2", group = 32 : i64} : (tensor<4x40xf32>, tensor<1x40x16xi8>, tensor<1x3x16xf32>, tensor<4x9xf32>) -> tensor<4x9xf32>
  return %y : tensor<4x9xf32>
}

// -----

func.func @unknown_kernel(%a: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %out: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-error@+1 {{names the kernel 'f32.z80', which is not in the kernel table}}
  %y = qcpu.gemm %a, %b outs %out {kernel = "f32.z80"} : (tensor<4x8xf32>, tensor<1x8x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}

// -----

func.func @panel_width(%a: tensor<4x8xf32>, %b: tensor<2x8x8xf32>, %out: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-error@+1 {{needs weights packed as panels × K/1 × 16 for kernel f32.avx2}}
  %y = qcpu.gemm %a, %b outs %out {kernel = "f32.avx2"} : (tensor<4x8xf32>, tensor<2x8x8xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}

// -----

func.func @depth(%a: tensor<4x9xi8>, %b: tensor<1x4x32xi8>, %out: tensor<4x16xi32>) -> tensor<4x16xi32> {
  // expected-error@+1 {{has packed weights of another depth than 9}}
  %y = qcpu.gemm %a, %b outs %out {kernel = "i8.avx2"} : (tensor<4x9xi8>, tensor<1x4x32xi8>, tensor<4x16xi32>) -> tensor<4x16xi32>
  return %y : tensor<4x16xi32>
}

// -----

func.func @rows(%a: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %out: tensor<5x16xf32>) -> tensor<5x16xf32> {
  // expected-error@+1 {{has a and out of different sizes in dim 0}}
  %y = qcpu.gemm %a, %b outs %out {kernel = "f32.avx2"} : (tensor<4x8xf32>, tensor<1x8x16xf32>, tensor<5x16xf32>) -> tensor<5x16xf32>
  return %y : tensor<5x16xf32>
}

// -----

func.func @last_dims(%a: tensor<2x4x8xf32>, %b: tensor<2x8x16xf32>, %out: tensor<2x4x16xf32>) -> tensor<2x4x16xf32> {
  // expected-error@+1 {{needs K or N as the last dim of its operands}}
  %y = qcpu.batch_matmul %a, %b outs %out {kernel = "f32.avx2", a_perm = array<i64: 0, 2, 1>, b_perm = array<i64: 0, 1, 2>, out_perm = array<i64: 0, 1, 2>} : (tensor<2x4x8xf32>, tensor<2x8x16xf32>, tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  return %y : tensor<2x4x16xf32>
}

// -----

func.func @sizes(%a: tensor<2x4x8xf32>, %b: tensor<2x7x16xf32>, %out: tensor<2x4x16xf32>) -> tensor<2x4x16xf32> {
  // expected-error@+1 {{has matrices whose sizes do not fit}}
  %y = qcpu.batch_matmul %a, %b outs %out {kernel = "f32.avx2", a_perm = array<i64: 0, 1, 2>, b_perm = array<i64: 0, 1, 2>, out_perm = array<i64: 0, 1, 2>} : (tensor<2x4x8xf32>, tensor<2x7x16xf32>, tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  return %y : tensor<2x4x16xf32>
}
