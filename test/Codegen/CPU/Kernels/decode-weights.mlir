// Weights in float and table formats are decoded once at compile time; integers with scales that kernels take stay codes.
// RUN: qopt-opt %s --pass-pipeline="builtin.module(func.func(qcpu-decode-weights),cse,canonicalize)" | FileCheck %s
// RUN: qopt-opt %s --pass-pipeline="builtin.module(func.func(qcpu-decode-weights),convert-nn-to-qcpu{features=avx2,fma},canonicalize)" | FileCheck %s --check-prefix=KERNEL

// Two scales in E8M0: 127 is 1, 128 is 2.
// CHECK-LABEL: @mx
// CHECK: nn.constant dense<{{\[}}[1.000000e+00], [-3.000000e+00], [1.200000e+01]]> : tensor<3x1xf32>
func.func @mx(%x: tensor<?x3xf32>) -> tensor<?x1xf32> {
  %q = nn.constant dense<[[1.0], [-3.0], [6.0]]> : tensor<3x1xf4E2M1FN>
  %s = nn.constant dense<[[1.0], [2.0]]> : tensor<2x1xf8E8M0FNU>
  %w = qopt.dequantize %q, %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<3x1xf4E2M1FN>, tensor<2x1xf8E8M0FNU>) -> tensor<3x1xf32>
  %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// A table under scales that are codes plus an offset: (2 * 0.5 + 1) * table.
// CHECK-LABEL: @nf4
// CHECK: nn.constant dense<{{\[}}[2.000000e+00], [6.000000e+00]]> : tensor<2x1xf32>
func.func @nf4(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %q = nn.constant dense<[[1], [3]]> : tensor<2x1xui2>
  %t = nn.constant dense<[0.0, 1.0, 2.0, 3.0]> : tensor<4xf32>
  %c = nn.constant dense<[2.0]> : tensor<1xf8E4M3FN>
  %outer = nn.constant dense<[0.5]> : tensor<1xf32>
  %offset = nn.constant dense<1.0> : tensor<f32>
  %shape = nn.constant dense<1> : tensor<2xi64>
  %d = qopt.dequantize %c, %outer {axis = 0 : i64, block_size = 256 : i64} : (tensor<1xf8E4M3FN>, tensor<1xf32>) -> tensor<1xf32>
  %a = nn.add %d, %offset : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  %s = nn.reshape %a, %shape : (tensor<1xf32>, tensor<2xi64>) -> tensor<1x1xf32>
  %v = qopt.lookup %q, %t : (tensor<2x1xui2>, tensor<4xf32>) -> tensor<2x1xf32>
  %w = qopt.dequantize %v, %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<2x1xf32>, tensor<1x1xf32>) -> tensor<2x1xf32>
  %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// CHECK-LABEL: @groups
// CHECK: qopt.dequantize
// KERNEL-LABEL: func.func @groups
// KERNEL: qcpu.gemm %{{.*}}, %{{.*}} scales %{{.*}} zeros %{{.*}} outs %{{.*}} {group = 2 : i64, kernel = "f32i4.avx2"}
// KERNEL-SAME: (tensor<?x3xf32>, tensor<1x3x8xi8>, tensor<1x2x16xf32>, tensor<1x2x16xf32>, tensor<?x2xf32>)
func.func @groups(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %q = nn.constant dense<[[1, 15], [3, 0], [7, 8]]> : tensor<3x2xui4>
  %s = nn.constant dense<[[1.0, 2.0], [-3.0, 4.0]]> : tensor<2x2xf32>
  %z = nn.constant dense<[[8, 15], [0, 3]]> : tensor<2x2xui4>
  %w = qopt.dequantize %q, %s, %z {axis = 0 : i64, block_size = 2 : i64} : (tensor<3x2xui4>, tensor<2x2xf32>, tensor<2x2xui4>) -> tensor<3x2xf32>
  %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Zero points that are not whole.
// CHECK-LABEL: @fractional
// CHECK: qopt.dequantize
// KERNEL-LABEL: func.func @fractional
// KERNEL: qcpu.gemm %{{.*}}, %{{.*}} scales %{{.*}} zeros %{{.*}} outs %{{.*}} {group = 3 : i64, kernel = "f32i4.avx2"}
func.func @fractional(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %q = nn.constant dense<[[1, 15], [3, 0], [7, 8]]> : tensor<3x2xui4>
  %s = nn.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %z = nn.constant dense<[[7.5, -0.25]]> : tensor<1x2xf32>
  %w = qopt.dequantize %q, %s, %z {axis = 0 : i64, block_size = 3 : i64} : (tensor<3x2xui4>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// 8 bits less a zero point need nine.
// CHECK-LABEL: @wide
// CHECK: nn.constant dense<{{\[}}[2.550000e+02], [-1.000000e+00]]> : tensor<2x1xf32>
func.func @wide(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %q = nn.constant dense<[[255], [0]]> : tensor<2x1xui8>
  %s = nn.constant dense<1.0> : tensor<2x1xf32>
  %z = nn.constant dense<[[0], [1]]> : tensor<2x1xui8>
  %w = qopt.dequantize %q, %s, %z {axis = 0 : i64, block_size = 1 : i64} : (tensor<2x1xui8>, tensor<2x1xf32>, tensor<2x1xui8>) -> tensor<2x1xf32>
  %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
