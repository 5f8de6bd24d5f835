// A matrix product with a bias and a relu for any number of rows, run from textual IR and compared with numpy.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; r=n.random.RandomState(0); n.save(r'%t/x.npy', r.randn(5,4).astype('f')); n.save(r'%t/none.npy', n.zeros((0,4),'f'))"
// RUN: qopt run %s --input x=%t/x.npy -o %t/y.npz --repeat 2 --json - | FileCheck %s
// RUN: %python -c "import numpy as n; y=n.load(r'%t/y.npz'); x=n.load(r'%t/x.npy'); w=n.arange(12,dtype='f').reshape(4,3); n.testing.assert_allclose(y['y'], n.maximum(x@w+.5,0), rtol=1e-5); assert (y['same']==x).all()"
// RUN: not qopt run %s --input x=%t/none.npy 2>&1 | FileCheck %s --check-prefix=RAISED
// RUN: not qopt run %s 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not qopt run %s --thread 2 2>&1 | FileCheck %s --check-prefix=OPTION

// CHECK: "median_ms":
// CHECK: "runs": 2
// RAISED: qopt: error: node 'mm': there are no rows
// MISSING: qopt: error: input 'x' (float32[?,4]) is not given; pass --input x=FILE.npy
// OPTION: qopt: error: there is no option '--thread'; did you mean '--threads'?

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1) -> (d1)>
func.func @main(%x: tensor<?x4xf32> {nn.name = "x"}) -> (tensor<?x3xf32> {nn.name = "y"}, tensor<?x4xf32> {nn.name = "same"}) {
  %w = arith.constant dense<[[0., 1., 2.], [3., 4., 5.], [6., 7., 8.], [9., 10., 11.]]> : tensor<4x3xf32>
  %b = arith.constant dense<0.5> : tensor<3xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %ok = arith.cmpi sgt, %n, %c0 : index
  cf.assert %ok, "node 'mm': there are no rows"
  %e = tensor.empty(%n) : tensor<?x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x3xf32>) outs(%f : tensor<?x3xf32>) -> tensor<?x3xf32>
  %r = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%m, %b : tensor<?x3xf32>, tensor<3xf32>) outs(%e : tensor<?x3xf32>) {
  ^bb0(%a: f32, %bb: f32, %o: f32):
    %s = arith.addf %a, %bb : f32
    %t = arith.maximumf %s, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x3xf32>
  return %r, %x : tensor<?x3xf32>, tensor<?x4xf32>
}
