// Noise at each site, local and accumulated, against numpy on the exported model's own scales and codes.
// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/Inputs/noise.py samples %t
// RUN: qopt quantize %s -o %t/q.onnx --calibration-data %t/x.npz --noise-samples 12 --threads 2 --report %t 2>&1 | FileCheck %s
// RUN: %python %S/Inputs/noise.py check %t
// RUN: qopt quantize %s -o %t/q.mlir --calibration-data %t/x.npz --quiet --json %t/8.json && FileCheck %s --check-prefix=EIGHT < %t/8.json
// RUN: FileCheck %s --check-prefix=IR < %t/q.mlir
// RUN: qopt quantize %s -o %t/q.mlir --calibration-data %t/x.npz --noise-samples 0 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: FileCheck %s --check-prefix=HTML < %t/report.html
// RUN: not qopt quantize %s -o %t/q.mlir --scheme W8A16 --noise-samples 3 2>&1 | FileCheck %s --check-prefix=DATA

// CHECK: noise (SQNR) {{ *}}over 12 samples, against the float program
// CHECK-NEXT: output y: {{[0-9.]+}} dB
// CHECK-NEXT: local {{ *}}accumulated {{ *}}worst sites
// CHECK-NEXT: [[F:[0-9.]+]] dB {{ *}}[[F]] dB  first
// CHECK-NEXT: {{[0-9.]+}} dB {{ *}}{{[0-9.]+}} dB  second
// CHECK-NEXT: noisiest by itself, with {{.*}} dB: first; to spare it, in a recipe: overrides: [{match: "first", scheme: W8A16}]
// EIGHT: "samples": 8
// IR-NOT: qopt.number
// NONE-NOT: (SQNR)
// HTML: <h2>Noise</h2>
// HTML: <tr><td><code>y</code>
// HTML: <tr><td><code>second</code><td>nn.matmul
// The chosen range, drawn into the histogram: a shade on each side and a line at each end.
// HTML: <path class="bar" d="M
// HTML-SAME: <rect class="cut"
// HTML-SAME: <rect class="cut"
// HTML-SAME: <line class="clip"
// HTML-SAME: <line class="clip"
// DATA: --noise-samples needs --calibration-data

func.func @main(%x: tensor<?x16xf32> {nn.name = "x"}) -> (tensor<?x4xf32> {nn.name = "y"}) {
  %w = nn.constant dense_resource<w> : tensor<16x8xf32>
  %u = nn.constant dense<[[0.5, -0.25, 1.0, 0.1], [0.3, 0.7, -0.9, 0.2], [-0.4, 0.6, 0.8, -0.3], [0.9, -0.1, 0.05, 0.45],
                          [0.11, 0.22, -0.33, 0.44], [-0.55, 0.66, 0.77, -0.88], [0.99, -0.12, 0.34, 0.56], [0.78, 0.9, -0.21, 0.43]]> : tensor<8x4xf32>
  %m = nn.matmul %x, %w : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32> loc("first")
  %r = nn.softplus %m : (tensor<?x8xf32>) -> tensor<?x8xf32> loc("act")
  %y = nn.matmul %r, %u : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32> loc("second")
  return %y : tensor<?x4xf32>
}

{-#
  dialect_resources: {
    builtin: {
      w: "0x400000001283403D0000203F8D97EEBEB6F3FD3EB81E05BEDD2406BE3333733FC1CAA13D3108ACBC48E1BA3EC520103F8FC275BC2B87963E1058F9BE5A643BBE894160BEFA7E2ABF250641BFC52050BF46B6F3BDC520B0BD0AD723BE295C0F3D0C022BBF0AD723BD46B6F33D1283C03E7593D8BECDCC4CBE250681BF250681BE448B8CBF8FC235BF560E0D3F91ED8CBFBA49CC3E9EEF273E77BE1FBE1F856B3E022B873E54E3053F1F85EBBD508D97BEBE9F9ABE7F6AFCBE5839B4BC4C37C9BE39B4083F295C6FBF31080CBF5839F4BE54E385BFBC74733FAC1C9ABF736811BEF0A786BECFF7533F3F357EBF4C37093F5A64BBBE77BE9FBD1F85ABBE0AD7A33EFCA911BF77BE1FBD7D3F353E1F856B3FE7FB99BFF853433F21B0F23ED9CE77BEE3A51B3E8D976EBE21B0523F3D0AD73D1B2FDDBDD578E9BDCDCCCCBD5839B4BD9CC4E0BE46B6833FE17A74BFB4C8E6BF23DB79BD068195BDC9763E3E60E5D0BD508D97BDE7FB293ED9CEF73E426065BEC9763EBEEC51783F14AE873E7F6AFCBE6ABC943FF0A7C63E2B8796BEA24516BF7593183EF4FDD4BE8B6C07BF54E325BF378981BEF2D20D3F3F355EBE9A9939BF0C02AB3E022B073D6210D83E23DB193F3108ACBDBC7493BD7F6ABCBCE92611BF0C02AB3EB29D2F3F0E2DB23D46B6F3BDB81E05BE14AEC7BEF2D2CDBECDCC4CBE508DD7BE894160BEE7FB49BF3333333ECDCCCC3C"
    }
  }
#-}
