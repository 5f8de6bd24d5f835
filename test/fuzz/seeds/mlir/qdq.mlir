func.func @main(%x: tensor<2x4xf32>) -> tensor<2x3xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %q = qopt.quantize %x, %s, %z : (tensor<2x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x4xui8>
  %d = qopt.dequantize %q, %s, %z : (tensor<2x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x4xf32>
  %wq = nn.constant dense<7> : tensor<4x3xi8>
  %ws = nn.constant dense<[0.5, 1.0, 2.0]> : tensor<3xf32>
  %w = qopt.dequantize %wq, %ws {axis = 1 : i64} : (tensor<4x3xi8>, tensor<3xf32>) -> tensor<4x3xf32>
  %y = nn.matmul %d, %w : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
