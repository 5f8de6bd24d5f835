// A shared object gives what the model gives, and its header compiles in C and C++.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; n.save(r'%t/x.npy', n.arange(600,dtype='f').reshape(200,3)-300)"
// RUN: qopt compile %s -o %t/m.so --name m
// RUN: qopt run %t/m.so --input x=%t/x.npy -o %t/y.npy --threads 2
// RUN: qopt run %t/m.so --input x=%t/x.npy -o %t/y1.npy --threads 1
// RUN: qopt run %s --input x=%t/x.npy -o %t/z.npy
// RUN: cmp %t/y.npy %t/z.npy
// RUN: cmp %t/y.npy %t/y1.npy
// RUN: %python -c "import numpy as n; n.testing.assert_array_equal(n.load(r'%t/y.npy'), n.maximum(n.load(r'%t/x.npy'), 0) + n.arange(3,dtype='f'))"
// RUN: clang-22 -fsyntax-only -x c -std=c11 -Wall -Werror %t/m.h
// RUN: clang-22 -fsyntax-only -x c++ -Wall -Werror %t/m.h
// RUN: FileCheck %s --check-prefix=HEADER < %t/m.h
// RUN: llvm-nm -D --defined-only %t/m.so | FileCheck %s --check-prefix=EXPORTS
// RUN: qopt compile %s -o %t/m.o && llvm-nm %t/m.o | FileCheck %s --check-prefix=OBJECT
// RUN: qopt compile %s -o - --compile-to buffers | FileCheck %s --check-prefix=BUFFERS
// RUN: not qopt compile %s -o %t/m.exe 2>&1 | FileCheck %s --check-prefix=ENDING
// RUN: not qopt compile %s -o %t/m.so --target z80 2>&1 | FileCheck %s --check-prefix=TARGET

// HEADER: int32_t m_run(qopt_artifact *artifact, const qopt_tensor *inputs, qopt_tensor *outputs);
// HEADER: x: float32[?,3]
// EXPORTS-DAG: T m_error
// EXPORTS-DAG: T m_free
// EXPORTS-DAG: T m_load
// EXPORTS-DAG: T m_release
// EXPORTS-DAG: T m_run
// EXPORTS-DAG: T m_shape
// EXPORTS-DAG: qopt_artifact_descriptor
// OBJECT: qopt_artifact_descriptor
// BUFFERS: qopt.constants = {qopt_constant_0
// BUFFERS: memref.alloc(%{{.*}}) {{{.*}}qopt.output}
// ENDING: endings are .so, .o, .s, .ll, .mlir and .mlirbc
// TARGET: qopt: error: {{.*}}z80

#id = affine_map<(d0, d1) -> (d0, d1)>
#last = affine_map<(d0, d1) -> (d1)>
func.func @main(%x: tensor<?x3xf32> {nn.name = "x"}) -> (tensor<?x3xf32> {nn.name = "y"}) {
  %all = arith.constant dense<[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16., 17., 18., 19.]> : tensor<20xf32>
  %b = tensor.extract_slice %all[0] [3] [1] : tensor<20xf32> to tensor<3xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %e = tensor.empty(%n) : tensor<?x3xf32>
  %y = linalg.generic {indexing_maps = [#id, #last, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : tensor<?x3xf32>, tensor<3xf32>) outs(%e : tensor<?x3xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.maximumf %a, %zero : f32
    %s = arith.addf %m, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
