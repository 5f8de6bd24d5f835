// Legality before work: counts by outcome, the size to come, and a refusal that names the nearest legal scheme.
// RUN: qopt check %s --target avx2 | FileCheck %s
// RUN: not qopt check %s --scheme FP8 --target avx2 2>&1 | FileCheck %s --check-prefix=FP8
// RUN: not qopt check %s --scheme FP8 --target avx2 --json - 2>/dev/null | FileCheck %s --check-prefix=JSON
// RUN: not qopt check %s --scheme FP9 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not qopt quantize %s -o %t.mlir --scheme FP8_DYNAMIC --target avx2 2>&1 | FileCheck %s --check-prefix=SAME
// RUN: qopt quantize %s -o %t.mlir --scheme FP8_DYNAMIC --target avx2 --allow-emulation --quiet && FileCheck %s --check-prefix=EMULATED < %t.mlir

// The weight of 32x8 becomes a byte each with 8 scales; the vector's 32 and the bias's 8 floats stay.
// CHECK: W8A8 on avx2: 2 products and convolutions
// CHECK-NEXT: 1 integer {{ *}}FORM-INT8-AVX2
// CHECK-NEXT: 1 kept {{ *}}QUANT-RANK
// CHECK-NEXT: constants: {{.*}} now, about 448 B quantized

// FP8-DAG: 1 refused {{ *}}TARGET-NO-FP8
// FP8-DAG: qopt: error: {{.*}}check.mlir: FP8 is refused [TARGET-NO-FP8]: avx2 has no 8-bit floating-point products {{.*}}use W8A8_DYNAMIC
// JSON: "legal": false,
// JSON: "nearest": "W8A8_DYNAMIC"
// SAME: qopt: error: {{.*}}check.mlir: FP8_DYNAMIC is refused [TARGET-NO-FP8]: avx2 has no 8-bit floating-point products {{.*}}or --allow-emulation
// EMULATED: qopt.dynamic_scale
// UNKNOWN: there is no scheme 'FP9'

func.func @main(%x: tensor<?x32xf32> {nn.name = "x"}) -> (tensor<?x8xf32> {nn.name = "y"}, tensor<?xf32> {nn.name = "z"}) {
  %w = nn.constant dense<0.5> : tensor<32x8xf32>
  %v = nn.constant dense<0.5> : tensor<32xf32>
  %b = nn.constant dense<0.25> : tensor<8xf32>
  %m = nn.matmul %x, %w : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  %y = nn.add %m, %b : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %z = nn.matmul %x, %v : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?xf32>
}
