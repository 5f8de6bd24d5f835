// What no kernel takes runs in generic loops, and the report of compiling says how often, why and where.
// RUN: qopt-opt %s --convert-nn-to-qcpu=features=avx2,fma -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: rm -rf %t && mkdir %t
// RUN: qopt compile %s -o %t/m.o --target avx2 --json %t/r.json 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=JSON < %t/r.json
// RUN: qopt compile %s -o %t/m.o --target avx2 --quiet 2>&1 | count 0
// RUN: not qopt compile %s -o - --json - 2>&1 | FileCheck %s --check-prefix=BOTH

// REMARK: remark: loc("up"): runs in generic loops: no kernel takes its operands' types, shapes and layout {{\[}}KERNEL-SHAPE]
// REMARK: remark: loc("half"): runs in generic loops
// REMARK-NOT: remark: loc("kernel")
// CHECK: generic-loops.mlir -> {{.*}}m.o (avx2): {{.*}}iB in
// CHECK-NEXT: 2  KERNEL-SHAPE {{ *}}runs in generic loops: no kernel takes its operands' types, shapes and layout (up, …)
// JSON: "bytes": {{[1-9]}}
// JSON: "remarks": [
// JSON: "code": "KERNEL-SHAPE",
// JSON: "site": "up"
// JSON: "site": "half"
// BOTH: both want standard output

func.func @main(%x: tensor<1x2x4x4xf32> {nn.name = "x"}, %h: tensor<3x4xf16> {nn.name = "h"}, %m: tensor<5x4xf32> {nn.name = "m"})
    -> (tensor<1x3x6x6xf32> {nn.name = "y"}, tensor<3x2xf16> {nn.name = "z"}, tensor<5x2xf32> {nn.name = "k"}) {
  %w = nn.constant dense<0.5> : tensor<2x3x3x3xf32>
  %y = nn.conv_transpose %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>}
      : (tensor<1x2x4x4xf32>, tensor<2x3x3x3xf32>) -> tensor<1x3x6x6xf32> loc("up")
  %u = nn.constant dense<0.5> : tensor<4x2xf16>
  %z = nn.matmul %h, %u : (tensor<3x4xf16>, tensor<4x2xf16>) -> tensor<3x2xf16> loc("half")
  %v = nn.constant dense<0.5> : tensor<4x2xf32>
  %k = nn.matmul %m, %v : (tensor<5x4xf32>, tensor<4x2xf32>) -> tensor<5x2xf32> loc("kernel")
  return %y, %z, %k : tensor<1x3x6x6xf32>, tensor<3x2xf16>, tensor<5x2xf32>
}
