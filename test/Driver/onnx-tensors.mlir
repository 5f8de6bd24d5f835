// ONNX's own tensor files as inputs of run, and its folders of them as data of calibrate and eval.
// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/Inputs/onnx_tensors.py %t
// RUN: qopt run %s --input %t/data/test_data_set_0 -o %t/folder.npz
// RUN: qopt run %s --input a=%t/a.npy --input b=%t/data/test_data_set_0/input_1.pb -o %t/words.npz
// RUN: %python -c "import numpy as n; f, w = n.load(r'%t/folder.npz')['y'], n.load(r'%t/words.npz')['y']; n.testing.assert_array_equal(f, w); n.testing.assert_array_equal(f, n.load(r'%t/a.npy') + 2)"
// RUN: qopt eval %s --reference %s --data %t/data --json - 2>/dev/null | FileCheck %s --check-prefix=SAME
// RUN: qopt calibrate %s --calibration-data %t/data -o %t/m.stats --quiet && qopt stats show %t/m.stats | FileCheck %s --check-prefix=SAMPLES
// RUN: not qopt run %s --input a=%t/bad.pb 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not qopt run %s --input a=%t/external.pb 2>&1 | FileCheck %s --check-prefix=EXTERNAL
// RUN: not qopt run %s --input %t/empty 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not qopt eval %s --reference %s --data %t/empty 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not qopt eval %s --reference %s --data %t/wrong 2>&1 | FileCheck %s --check-prefix=WRONG

// SAME: "max_abs_error": 0
// SAMPLES: 11 samples
// BAD: bad.pb' is not a serialized ONNX tensor
// EXTERNAL: external.pb': tensor 'a' points to external data, which a file of one tensor cannot have
// EMPTY: empty': the folder holds no input_0.pb
// NONE: empty: the folder holds no samples: neither .npz files nor folders test_data_set_N
// WRONG: tensor 'b' is missing; it holds a

func.func @main(%a: tensor<?x2xf32> {nn.name = "a"}, %b: tensor<2xf32> {nn.name = "b"}) -> (tensor<?x2xf32> {nn.name = "y"}) {
  %y = nn.add %a, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
