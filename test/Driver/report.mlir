// The closing table, report.json and report.html of a weight-only quantization; nothing of it with --quiet.
// RUN: rm -rf %t && mkdir %t
// RUN: qopt quantize %s -o %t/q.mlir --scheme W8A16 --report %t/deep/report --json %t/r.json 2>&1 | FileCheck %s
// RUN: cmp %t/r.json %t/deep/report/report.json
// RUN: FileCheck %s --check-prefix=JSON < %t/r.json
// RUN: FileCheck %s --check-prefix=HTML < %t/deep/report/report.html
// RUN: not grep -iE 'https?://|src=|<script' %t/deep/report/report.html
// RUN: qopt quantize %s -o %t/q.mlir --scheme W8A16 --quiet 2>&1 | count 0
// RUN: not qopt quantize %s -o - --scheme W8A16 --json - 2>&1 | FileCheck %s --check-prefix=BOTH
// RUN: not qopt quantize %s -o %t/q.mlir --scheme W8A16 --report %s 2>&1 | FileCheck %s --check-prefix=FOLDER

// 32x8 and 8x4 floats, and a vector of 32, become 288 bytes, 12 scales, and the vector.
// CHECK: report.mlir -> {{.*}}q.mlir (W8A16)
// CHECK-NEXT: constants {{ *}}1.25 KiB -> {{ *}}464 B
// CHECK-NEXT: float32 {{ *}}1.25 KiB -> {{ *}}176 B
// CHECK-NEXT: int8 {{ *}}0 B -> {{ *}}288 B
// CHECK: products {{ *}}2 quantized, 1 kept in float, 0 fell back to float
// CHECK-NEXT: 1 QUANT-RANK {{ *}}its weight is a vector (dot)
// CHECK-NEXT: time

// JSON: "bytes_after": 464,
// JSON: "bytes_before": 1280,
// JSON: "fell_back": 0,
// JSON-NEXT: "kept": 1,
// JSON-NEXT: "quantized": 2
// JSON: "code": "QUANT-LINEAR"
// JSON: "site": "a<b>"
// JSON: "recipe": "{{[0-9a-f]+}}"
// JSON: "peak_bytes": {{[1-9]}}
// HTML: <td>int8<td class="n">0 B<td class="n">288 B
// HTML: <td><code>dot</code><td>nn.matmul<td class="kept">kept
// HTML: <code>a&lt;b&gt;</code>
// BOTH: both want standard output
// FOLDER: the report's folder {{.*}} cannot be made

func.func @main(%x: tensor<?x32xf32> {nn.name = "x"}) -> (tensor<?x4xf32> {nn.name = "y"}, tensor<?xf32> {nn.name = "z"}) {
  %w = nn.constant dense<0.5> : tensor<32x8xf32>
  %u = nn.constant dense<0.25> : tensor<8x4xf32>
  %v = nn.constant dense<0.5> : tensor<32xf32>
  %m = nn.matmul %x, %w : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32> loc("a<b>")
  %y = nn.matmul %m, %u : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32> loc("second")
  %z = nn.matmul %x, %v : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?xf32> loc("dot")
  return %y, %z : tensor<?x4xf32>, tensor<?xf32>
}
