// Keys of a recipe's calibration reach the data: sequences are cut, the moving average weighs the newest sample as said. Keys of
// llm-compressor that mean nothing here reach the report.
// RUN: rm -rf %t && split-file %s %t
// RUN: %python -c "import numpy as n; x = n.ones((2, 6, 4), n.float32); x[1] = 3; x[:, 4:] = 50; n.savez('%t/x.npz', x=x)"
// RUN: qopt quantize %t/m.mlir -o %t/q.mlir --recipe %t/cut.yaml --calibration-data %t/x.npz --json %t/cut.json --quiet
// RUN: %python %t/seen.py %t/cut.json | FileCheck %s --check-prefix=CUT
// RUN: qopt calibrate %t/m.mlir --calibration-data %t/x.npz --max-length 4 -o %t/cut.stats --quiet
// RUN: qopt stats show %t/cut.stats | FileCheck %s --check-prefix=STATS
// RUN: not qopt quantize %t/static.mlir -o %t/q.mlir --recipe %t/cut.yaml --calibration-data %t/x.npz --quiet 2>&1 | FileCheck %s --check-prefix=STATIC
// RUN: qopt quantize %t/m.mlir -o %t/q.mlir --recipe %t/foreign.yaml --calibration-data %t/x.npz --quiet --json - 2>%t/err | FileCheck %s --check-prefix=FOREIGN

// The first four rows are 1 in one sample, 3 in the other: .75 * 1 + .25 * 3.
// CUT: x [1, 3] 1.5
// STATS-NOT: 50
// STATIC: max_length cuts samples along axis 1, but no input of the model has a dynamic dim there
// FOREIGN: "code": "RECIPE-FOREIGN"
// FOREIGN: 'sequential_update'

//--- seen.py
import json
import sys
site = next(s for s in json.load(open(sys.argv[1]))["sites"] if s["site"] == "x")
print(site["site"], site["seen"], site["chosen"][1])
//--- cut.yaml
calibration: {method: moving-average, averaging_constant: 0.25, max_length: 4}
stages:
  - rtn: {scheme: W8A8}
//--- foreign.yaml
quant_stage:
  quant_modifiers:
    GPTQModifier: {scheme: W8A16, targets: Linear, sequential_update: true}
//--- m.mlir
func.func @main(%x: tensor<?x?x4xf32> {nn.name = "x"}) -> (tensor<?x?x2xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[[0.5, -0.25], [1.0, 0.75], [-0.5, 0.3], [0.2, 0.1]]> : tensor<4x2xf32>
  %y = nn.matmul %x, %w : (tensor<?x?x4xf32>, tensor<4x2xf32>) -> tensor<?x?x2xf32> loc("product")
  return %y : tensor<?x?x2xf32>
}
//--- static.mlir
func.func @main(%x: tensor<?x6x4xf32> {nn.name = "x"}) -> (tensor<?x6x2xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[[0.5, -0.25], [1.0, 0.75], [-0.5, 0.3], [0.2, 0.1]]> : tensor<4x2xf32>
  %y = nn.matmul %x, %w : (tensor<?x6x4xf32>, tensor<4x2xf32>) -> tensor<?x6x2xf32> loc("product")
  return %y : tensor<?x6x2xf32>
}
