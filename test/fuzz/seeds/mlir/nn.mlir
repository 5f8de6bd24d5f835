module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}} {
  func.func @main(%x: tensor<?x4xf32> {nn.name = "x"}) -> tensor<?x2xf32> {
    %w = nn.constant dense<[[1.0, 0.5], [-0.5, 0.25], [0.75, -1.0], [0.1, 0.2]]> : tensor<4x2xf32>
    %y = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32> loc("m")
    %r = nn.relu %y : (tensor<?x2xf32>) -> tensor<?x2xf32>
    return %r : tensor<?x2xf32>
  }
}
