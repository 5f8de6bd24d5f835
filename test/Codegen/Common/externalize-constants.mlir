// RUN: qopt-opt %s --qopt-externalize-constants | FileCheck %s

// Equal constants become one symbol; small ones stay.
// CHECK: module attributes {qopt.constants = {qopt_constant_0 = dense<1.000000e+00> : tensor<32xf32>}}
// CHECK: memref.global @qopt_constant_0 : memref<32xf32>
// CHECK: memref.global "private" constant @small : memref<2xf32> = dense<2.000000e+00>
memref.global "private" constant @a : memref<32xf32> = dense<1.0>
memref.global "private" constant @b : memref<32xf32> = dense<1.0>
memref.global "private" constant @small : memref<2xf32> = dense<2.0>
// CHECK: memref.get_global @qopt_constant_0
// CHECK: memref.get_global @qopt_constant_0
// CHECK: memref.get_global @small
func.func @main() -> (memref<32xf32>, memref<32xf32>, memref<2xf32>) {
  %a = memref.get_global @a : memref<32xf32>
  %b = memref.get_global @b : memref<32xf32>
  %s = memref.get_global @small : memref<2xf32>
  return %a, %b, %s : memref<32xf32>, memref<32xf32>, memref<2xf32>
}
