// RUN: %python -c "import numpy as np; np.savez('%t.npz', ids=np.array([[0, 1, 1, 0, 1]], np.int64))"
// RUN: qopt eval %s --data %t.npz --perplexity ids | FileCheck %s
// RUN: not qopt eval %s --data %t.npz --perplexity tokens 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not qopt eval %s --data %t.npz 2>&1 | FileCheck %s --check-prefix=NEITHER
// NAME: --perplexity is 'tokens', which is no input of
// NEITHER: --data DATA, and --reference MODEL or --perplexity INPUT

// Token 1 has logit log 3, token 0 has 0: probabilities 3/4 and 1/4. Of five tokens, positions 2 and 3 predict tokens 0 and 1:
// 1 / sqrt(1/4 * 3/4).
// CHECK: logits: perplexity 2.309 on 2 tokens
func.func @main(%ids: tensor<1x5xi64> {nn.name = "ids"}) -> (tensor<1x5x2xf32> {nn.name = "logits"}) {
  %zero = nn.constant dense<0.0> : tensor<1xf32>
  %f = nn.cast %ids : (tensor<1x5xi64>) -> tensor<1x5xf32>
  %z = nn.mul %f, %zero : (tensor<1x5xf32>, tensor<1xf32>) -> tensor<1x5xf32>
  %u = nn.unsqueeze %z {axes = array<i64: 2>} : (tensor<1x5xf32>) -> tensor<1x5x1xf32>
  %l = nn.constant dense<[0.0, 1.0986123]> : tensor<2xf32>
  %y = nn.add %u, %l : (tensor<1x5x1xf32>, tensor<2xf32>) -> tensor<1x5x2xf32>
  return %y : tensor<1x5x2xf32>
}
