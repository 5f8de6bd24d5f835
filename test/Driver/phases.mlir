// Phases of quantize and compile, and pipelines that qopt-opt replays to the same IR.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; n.savez(r'%t/x.npz', x=n.random.default_rng(1).normal(size=(8,6)).astype('f'))"
// RUN: qopt calibrate %s --calibration-data %t/x.npz --gram -o %t/m.stats --quiet
// Shipped recipes round by GPTQ: what it reads of the statistics is in the pipeline, too.
// DEFINE: %{quantize} = qopt quantize %s --stats %t/m.stats --calibration-method mse --quiet --target avx2

// RUN: %{quantize} --compile-to calibrating --print-pipeline > %t/c.txt
// RUN: %{quantize} --compile-to calibrating -o %t/c.mlir && %python %S/Inputs/replay.py %t/c.txt %s %t/c2.mlir && cmp %t/c.mlir %t/c2.mlir
// RUN: FileCheck %s --check-prefix=OBSERVED < %t/c.mlir
// RUN: %{quantize} --compile-to transformed --print-pipeline > %t/t.txt
// RUN: %{quantize} --compile-to transformed -o %t/t.mlir && %python %S/Inputs/replay.py %t/t.txt %s %t/t2.mlir && cmp %t/t.mlir %t/t2.mlir
// RUN: FileCheck %s --check-prefix=TRANSFORMED < %t/t.mlir
// RUN: %{quantize} --print-pipeline > %t/q.txt
// RUN: %{quantize} -o %t/q.mlir && %python %S/Inputs/replay.py %t/q.txt %s %t/q2.mlir && cmp %t/q.mlir %t/q2.mlir
// RUN: FileCheck %s --check-prefix=QUANTIZED < %t/q.mlir
// RUN: %{quantize} --compile-to legalized --print-pipeline > %t/l.txt
// RUN: %{quantize} --compile-to legalized -o %t/l.mlir && %python %S/Inputs/replay.py %t/l.txt %s %t/l2.mlir && cmp %t/l.mlir %t/l2.mlir
// RUN: FileCheck %s --check-prefix=LEGALIZED < %t/l.mlir

// RUN: qopt compile %s --target avx2 --print-pipeline > %t/p.txt
// RUN: FileCheck %s --check-prefix=TEXT < %t/p.txt
// RUN: qopt compile %s --target avx2 --compile-to lowered -o %t/p.mlirbc && %python %S/Inputs/replay.py %t/p.txt %s %t/p2.mlir
// RUN: qopt-opt %t/p.mlirbc --mlir-print-debuginfo -o %t/p.mlir && cmp %t/p.mlir %t/p2.mlir
// RUN: qopt compile %s --target avx2 --compile-to imported -o - | FileCheck %s --check-prefix=IMPORTED

// RUN: not qopt compile %s --compile-to done -o - 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: not qopt compile %s --compile-to quantized -o - 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not qopt quantize %s --compile-to legalized -o %t/x.onnx 2>&1 | FileCheck %s --check-prefix=ENDING
// RUN: not qopt quantize %s --compile-to imported -o - --json %t/r.json 2>&1 | FileCheck %s --check-prefix=REPORT
// RUN: not qopt quantize %s --print-pipeline 2>&1 | FileCheck %s --check-prefix=STATS

// OBSERVED: qopt.observe %{{.*}}, "first/MatMul"
// TRANSFORMED: qopt.ranges
// TRANSFORMED-NOT: qopt.quantize
// QUANTIZED-NOT: qopt.ranges
// QUANTIZED: qopt.quantize
// QUANTIZED: loc("first/MatMul")
// LEGALIZED: qopt.integer_matmul
// TEXT: builtin.module(qopt-record-signature{{.*}}verify-phase{phase=legalized}{{.*}}verify-phase{phase=lowered})
// IMPORTED: nn.matmul
// WRONG: there is no phase 'done' for --compile-to; those of `qopt compile` are imported, legalized, linalg, buffers, loops, lowered
// OTHER: `qopt compile` does not go through the phase 'quantized', but through imported, legalized, linalg
// ENDING: --compile-to writes IR: give -o a name that ends in .mlir or .mlirbc
// REPORT: there is nothing to report of the phase 'imported'
// STATS: --print-pipeline prints where statistics are read from: make them with `qopt calibrate` and give --stats FILE

func.func @main(%x: tensor<?x6xf32> {nn.name = "x"}) -> (tensor<?x2xf32> {nn.name = "y"}) {
  %w = nn.constant dense<[[0.5, -0.25], [1.0, 0.1], [0.3, 0.7], [-0.9, 0.2], [-0.4, 0.6], [0.8, -0.3]]> : tensor<6x2xf32>
  %u = nn.constant dense<[[0.5, -0.25], [1.0, 0.1]]> : tensor<2x2xf32>
  %m = nn.matmul %x, %w : (tensor<?x6xf32>, tensor<6x2xf32>) -> tensor<?x2xf32> loc("first/MatMul")
  %r = nn.relu %m : (tensor<?x2xf32>) -> tensor<?x2xf32> loc("act")
  %y = nn.matmul %r, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("/second.1/MatMul:0")
  return %y : tensor<?x2xf32>
}
