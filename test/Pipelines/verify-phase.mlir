// Each phase's invariant, broken.
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=linalg 2>&1 | FileCheck %s --check-prefix=LINALG
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=imported 2>&1 | FileCheck %s --check-prefix=IMPORTED
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=calibrating 2>&1 | FileCheck %s --check-prefix=CALIBRATING
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=quantized 2>&1 | FileCheck %s --check-prefix=QUANTIZED
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=transformed 2>&1 | FileCheck %s --check-prefix=TRANSFORMED
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=legalized 2>&1 | FileCheck %s --check-prefix=LEGALIZED
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=buffers 2>&1 | FileCheck %s --check-prefix=BUFFERS
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=loops 2>&1 | FileCheck %s --check-prefix=LOOPS
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=lowered 2>&1 | FileCheck %s --check-prefix=LOWERED
// RUN: not qopt-opt %s --split-input-file --verify-phase=phase=done 2>&1 | FileCheck %s --check-prefix=WRONG

// LINALG: nn.relu is left after the phase 'linalg'
// IMPORTED: onnxraw.node is left after the phase 'imported'
// CALIBRATING: the observer of 'x' does not stand in qopt.sites
// QUANTIZED: qopt.observe is left after the phase 'quantized'
// QUANTIZED: qopt.ranges is left after the phase 'quantized'
// TRANSFORMED: qopt.observe is left after the phase 'transformed'
// LEGALIZED: no signature (qopt.signature) is recorded after the phase 'legalized'
// BUFFERS: nn.relu is left after the phase 'buffers'
// LOOPS: linalg.copy is left after the phase 'loops'
// LOWERED: func.func is left after the phase 'lowered'
// WRONG: there is no phase 'done'; the phases are imported, calibrating,

func.func @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @observed(%x: tensor<4xf32>) {
  qopt.observe %x, "x", 0 : tensor<4xf32>
  return
}

// -----

module attributes {qopt.ranges = {}} {}

// -----

func.func @copy(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.copy ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

func.func @raw(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = onnxraw.node "Relu"(%x) {version = 14 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
