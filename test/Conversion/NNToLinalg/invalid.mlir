// RUN: qopt-opt %s --convert-nn-to-linalg --split-input-file --verify-diagnostics

func.func @no_form(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error @+1 {{has no lowering to linalg for these types and attributes}}
  %y = nn.exp %x : (tensor<2xi32>) -> tensor<2xi32>
  return %y : tensor<2xi32>
}

// -----

// expected-error @+1 {{has a tensor of element type 'complex<f32>', which has no form in compiled code}}
func.func @complex(%x: tensor<2xcomplex<f32>>) {
  return
}
