// RUN: qopt-opt %s --qopt-insert-observers | FileCheck %s
// RUN: qopt-opt %s --qopt-insert-observers="linear-inputs-only" | FileCheck %s --check-prefix=LINEAR

// CHECK: module attributes {qopt.site_axes = array<i64: -1, 1, -1>, qopt.sites = ["x", "act", "y"]}
// LINEAR: module attributes {qopt.site_axes = array<i64: 1>, qopt.sites = ["act"]}
module {
  // CHECK: qopt.observe %{{.*}}, "x", 0 : tensor<4x2xf32>
  // CHECK: %[[A:.*]] = nn.relu
  // CHECK: qopt.observe %[[A]], "act", 1 : tensor<4x2xf32>
  func.func @main(%x: tensor<4x2xf32> {nn.name = "x"}) -> tensor<4x2xf32> {
    %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
    %a = nn.relu %x : (tensor<4x2xf32>) -> tensor<4x2xf32> loc("act")
    %y = nn.matmul %a, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("y")
    %z = nn.softmax %y {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32> loc("z")
    return %z : tensor<4x2xf32>
  }
}
