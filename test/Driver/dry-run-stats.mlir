// A dry run takes and refuses the statistics that the run itself does, also of a model that the recipe changes before calibration.
// RUN: rm -rf %t && split-file %s %t
// RUN: %python -c "import numpy as n; n.savez('%t/x.npz', x=n.random.default_rng(0).random((8, 4), n.float32))"
// RUN: qopt calibrate %t/m.mlir --calibration-data %t/x.npz --gram --recipe %t/r.yaml -o %t/r.stats --quiet
// RUN: qopt quantize %t/m.mlir --recipe %t/r.yaml --stats %t/r.stats -o %t/q.mlir --quiet --dry-run | FileCheck %s
// RUN: test ! -e %t/q.mlir
// RUN: qopt quantize %t/m.mlir --recipe %t/r.yaml --stats %t/r.stats -o %t/q.mlir --quiet
// RUN: not qopt quantize %t/m.mlir --stats %t/r.stats -o %t/p.mlir --dry-run 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not qopt quantize %t/m.mlir --recipe %t/r.yaml --stats %t/r.stats --calibration-data %t/x.npz -o %t/p.mlir --dry-run 2>&1 | FileCheck %s --check-prefix=BOTH

// CHECK: peak memory
// OTHER: these are statistics of another model
// BOTH: --stats and --calibration-data exclude each other

//--- r.yaml
stages:
  - equalization
  - gptq: {scheme: W8A8}
//--- m.mlir
func.func @main(%x: tensor<?x4xf32> {nn.name = "x"}) -> (tensor<?x2xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[[0.5, -0.25, 4.0], [1.0, 0.75, 8.0], [-0.5, 0.3, -2.0], [0.2, 0.1, 3.0]]> : tensor<4x3xf32>
  %u = nn.constant dense<[[0.5, -0.25], [1.0, 0.75], [-0.5, 0.3]]> : tensor<3x2xf32>
  %h = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32> loc("first")
  %r = nn.relu %h : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %y = nn.matmul %r, %u : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32> loc("second")
  return %y : tensor<?x2xf32>
}
