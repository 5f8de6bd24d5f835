// RUN: qopt-opt %s --qopt-record-signature | FileCheck %s

// CHECK: module attributes {qopt.signature = {inputs = [{dim_names = ["n", ""], name = "x", type = tensor<?x4xui8>}, {name = "input1", type = tensor<f32>}], outputs = [{name = "y", type = tensor<?x4xui8>}]}}
// CHECK: func.func @main(%{{.*}}: tensor<?x4xui8> {bufferization.writable = false
func.func @main(%x: tensor<?x4xui8> {nn.dims = ["n", ""], nn.name = "x"}, %s: tensor<f32>) -> (tensor<?x4xui8> {nn.name = "y"}) {
  return %x : tensor<?x4xui8>
}
