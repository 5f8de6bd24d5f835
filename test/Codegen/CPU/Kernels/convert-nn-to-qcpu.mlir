// RUN: qopt-opt %s --convert-nn-to-qcpu=features=avx2,fma | FileCheck %s
// RUN: qopt-opt %s --convert-nn-to-qcpu=features=avx512f,avx512bw,avx512vnni | FileCheck %s --check-prefix=VNNI
// RUN: qopt-opt %s --convert-nn-to-qcpu=features=avx512f,avx512bw,avx2 | FileCheck %s --check-prefix=AVX512

// The product starts from the bias; the addition is gone.
// CHECK-LABEL: @bias
// CHECK: qcpu.gemm %arg0, %{{.*}} init %{{.*}} outs %{{.*}} {{{.*}}kernel = "f32.avx2"} : (tensor<?x3xf32>, tensor<1x3x16xf32>, tensor<16xf32>, tensor<?x5xf32>)
// CHECK-NEXT: return
// VNNI: kernel = "f32.avx512"{{.*}} tensor<1x3x32xf32>
func.func @bias(%x: tensor<?x3xf32>) -> tensor<?x5xf32> {
  %w = nn.constant dense<1.0> : tensor<3x5xf32>
  %b = nn.constant dense<2.0> : tensor<5xf32>
  %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x5xf32>) -> tensor<?x5xf32>
  %z = nn.add %y, %b : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// Heads are read where they lie.
// CHECK-LABEL: @heads
// CHECK: qcpu.batch_matmul %arg0, %arg1 outs %{{.*}} {a_perm = array<i64: 0, 2, 1, 3>, b_perm = array<i64: 0, 2, 3, 1>, {{.*}}out_perm = array<i64: 0, 1, 2, 3>}
func.func @heads(%q: tensor<2x7x3x8xf32>, %k: tensor<2x9x3x8xf32>) -> tensor<2x3x7x9xf32> {
  %a = nn.transpose %q {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x7x3x8xf32>) -> tensor<2x3x7x8xf32>
  %b = nn.transpose %k {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x9x3x8xf32>) -> tensor<2x3x8x9xf32>
  %y = nn.matmul %a, %b : (tensor<2x3x7x8xf32>, tensor<2x3x8x9xf32>) -> tensor<2x3x7x9xf32>
  return %y : tensor<2x3x7x9xf32>
}

// K that only the run can know to be equal is checked, then the kernel does the rest.
// CHECK-LABEL: @inner
// CHECK: cf.assert %{{.*}}, "{{.*}}the operands' inner dims differ
// CHECK: qcpu.batch_matmul %arg0, %arg1
func.func @inner(%p: tensor<2x3x7x?xf32>, %v: tensor<2x3x?x8xf32>) -> tensor<2x3x7x8xf32> {
  %y = nn.matmul %p, %v : (tensor<2x3x7x?xf32>, tensor<2x3x?x8xf32>) -> tensor<2x3x7x8xf32>
  return %y : tensor<2x3x7x8xf32>
}

// Weights of at most 64 in size cannot saturate pairs; -3 * (column sums of 5 * 4 * 64) is where the sums start from.
// CHECK-LABEL: @bounded
// CHECK: qcpu.gemm {{.*}}a_unsigned = true, kernel = "i8.avx2.bounded"
// VNNI: kernel = "i8.avx512vnni"
// AVX512: kernel = "i8.avx512.bounded"
func.func @bounded(%x: tensor<?x4xui8>) -> tensor<?x5xi32> {
  %w = nn.constant dense<64> : tensor<4x5xi8>
  %zero = nn.constant dense<3> : tensor<ui8>
  %y = qopt.integer_matmul %x, %w zero_point_a %zero : (tensor<?x4xui8>, tensor<4x5xi8>, tensor<ui8>) -> tensor<?x5xi32>
  return %y : tensor<?x5xi32>
}

// CHECK-LABEL: @unbounded
// CHECK: qcpu.gemm {{.*}}kernel = "i8.avx2"}
// AVX512: kernel = "i8.avx512"}
func.func @unbounded(%x: tensor<?x4xi8>) -> tensor<?x5xi32> {
  %w = nn.constant dense<65> : tensor<4x5xi8>
  %y = qopt.integer_matmul %x, %w : (tensor<?x4xi8>, tensor<4x5xi8>) -> tensor<?x5xi32>
  return %y : tensor<?x5xi32>
}

// CHECK-LABEL: @pointwise
// CHECK: qcpu.gemm
// CHECK-LABEL: @window
// CHECK: qcpu.conv {{.*}}pads = array<i64: 1, 0>{{.*}}window = array<i64: 3, 3>
// CHECK-LABEL: @depthwise
// CHECK: qcpu.depthwise_conv
// CHECK-LABEL: @grouped
// CHECK-NOT: = qcpu.
func.func @pointwise(%x: tensor<?x8x8x4xf32>) -> tensor<?x8x8x6xf32> {
  %w = nn.constant dense<1.0> : tensor<1x1x4x6xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, layout = "NXC"} : (tensor<?x8x8x4xf32>, tensor<1x1x4x6xf32>) -> tensor<?x8x8x6xf32>
  return %y : tensor<?x8x8x6xf32>
}
func.func @window(%x: tensor<?x8x8x4xf32>) -> tensor<?x8x7x6xf32> {
  %w = nn.constant dense<1.0> : tensor<3x3x4x6xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 0, 1, 1>, layout = "NXC"} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x8x7x6xf32>
  return %y : tensor<?x8x7x6xf32>
}
func.func @depthwise(%x: tensor<?x8x8x4xf32>) -> tensor<?x6x6x4xf32> {
  %w = nn.constant dense<1.0> : tensor<3x3x1x4xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 4 : i64, layout = "NXC"} : (tensor<?x8x8x4xf32>, tensor<3x3x1x4xf32>) -> tensor<?x6x6x4xf32>
  return %y : tensor<?x6x6x4xf32>
}
func.func @grouped(%x: tensor<?x8x8x4xf32>) -> tensor<?x6x6x4xf32> {
  %w = nn.constant dense<1.0> : tensor<3x3x2x4xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 2 : i64, layout = "NXC"} : (tensor<?x8x8x4xf32>, tensor<3x3x2x4xf32>) -> tensor<?x6x6x4xf32>
  return %y : tensor<?x6x6x4xf32>
}
