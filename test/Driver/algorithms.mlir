// --algorithm, --activation-format and --seed change a scheme's recipe; the report says so.
// RUN: rm -rf %t && mkdir %t
// RUN: qopt quantize %s -o %t/rtn.mlir --scheme W4A16 --algorithm rtn --json %t/r.json --log-level error 2>&1 | count 0
// RUN: FileCheck %s --check-prefix=JSON < %t/r.json
// RUN: qopt quantize %s -o %t/q.mlir --scheme W8A16 --algorithm rtn --log-level debug 2>&1 | FileCheck %s --check-prefix=DEBUG
// RUN: not qopt quantize %s -o %t/q.mlir --scheme W4A16 --algorithm gptq 2>&1 | FileCheck %s --check-prefix=DATA
// RUN: not qopt quantize %s -o %t/q.mlir --scheme W4A16 --algorithm gptq,hqq 2>&1 | FileCheck %s --check-prefix=TWO
// RUN: not qopt check %s --scheme W4A16 --algorithm smoothquant 2>&1 | FileCheck %s --check-prefix=SMOOTH
// RUN: not qopt quantize %s -o %t/q.mlir --scheme W4A16 --seed 3 2>&1 | FileCheck %s --check-prefix=SEED
// RUN: not qopt quantize %s -o %t/q.mlir --scheme W4A16 --activation-format e5m2 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not qopt quantize %s -o %t/q.mlir --recipe %t/none.yaml --algorithm gptq 2>&1 | FileCheck %s --check-prefix=RECIPE
// RUN: qopt quantize %s -o %t/e5.mlir --scheme FP8_DYNAMIC --activation-format e5m2 --quiet && FileCheck %s --check-prefix=E5M2 < %t/e5.mlir

// JSON: "recipe": "W4A16 --algorithm rtn"
// DEBUG: pass qopt-insert-qdq: {{[0-9.]+}} s
// DATA: qopt: error: this scheme needs samples of the model's input
// TWO: qopt: error: --algorithm: gptq and hqq both choose the codes of the weights; keep one
// SMOOTH: qopt: error: --algorithm: smoothquant serves quantized activations
// SEED: qopt: error: --seed: nothing in recipes/W4A16.yaml is random
// FORMAT: qopt: error: --activation-format: recipes/W4A16.yaml leaves activations in float
// RECIPE: qopt: error: --recipe names its algorithms itself; --algorithm goes with --scheme
// E5M2: xf8E5M2>

func.func @main(%x: tensor<2x128xf32> {nn.name = "x"}) -> (tensor<2x4xf32> {nn.name = "y"}) {
  %w = nn.constant dense<0.5> : tensor<128x4xf32>
  %y = nn.matmul %x, %w : (tensor<2x128xf32>, tensor<128x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
