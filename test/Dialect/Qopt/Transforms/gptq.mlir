// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel order=none dampening=0.0001" --split-input-file | FileCheck %s
// RUN: qopt-opt %s --qopt-gptq="weights=int4:channel dampening=0.0001" --split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: not qopt-opt %s --qopt-gptq="order=dynamic" 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not qopt-opt %s --qopt-gptq="weights=f8e4m3fn:channel sweeps=2" 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not qopt-opt %s --qopt-gptq="weights=f16:channel" 2>&1 | FileCheck %s --check-prefix=WIDE
// RUN: not qopt-opt %s --qopt-gptq="clip=none" 2>&1 | FileCheck %s --check-prefix=CLIP
// ORDER: qopt-gptq: order is 'dynamic'; it must be none or static
// FORMAT: qopt-gptq: weights: {{.*}} keeps the scales of its greatest values: clip, refits and sweeps are for integers
// WIDE: qopt-gptq: weights: f16:channel: weights of more than 8 bits stay as they are
// CLIP: qopt-gptq: clip is 'none'; it must be max, mse, inputs or hessian

// Both inputs are always equal: what one code loses the other makes up for. The row 0.4, 0.4, -8 has scale 1, and 0.4 + 0.4 is nearer to
// 1 + 0 than to the 0 + 0 of rounding to nearest. The third input is alone.
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 4.0]]> : tensor<3x3xf64>,
                                       mean_abs = dense<1.0> : tensor<3xf32>, rows = 4 : i64}}} {
  // CHECK: code = "GPTQ-DONE"{{.*}}dB on its calibration inputs
  // CHECK-LABEL: func @pair
  // CHECK: nn.constant dense<{{\[}}[0], [1], [-8]]> : tensor<3x1xi4>
  // CHECK: qopt.dequantize {{.*}} {axis = 1 : i64} : (tensor<3x1xi4>, tensor<1xf32>) -> tensor<3x1xf32>

  func.func @pair(%x: tensor<?x3xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[0.4], [0.4], [-8.0]]> : tensor<3x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}

// -----

// The input was divided by 2 and 1 since calibration: H is scaled alike. Few rows, and a dead channel, are told.
// REMARK: 1 input channels were zero in all samples: rounded to nearest [GPTQ-DEAD]
// REMARK: 1 rows of calibration for 2 input channels: the Hessian has not full rank; use more samples [GPTQ-RANK]
module attributes {qopt.inputs = {x = {gram = dense<[[4.0, 0.0], [0.0, 0.0]]> : tensor<2x2xf64>, mean_abs = dense<1.0> : tensor<2xf32>,
                                       rows = 1 : i64}},
                   qopt.scaled_inputs = {"x/smoothed" = {of = "x", by = dense<[0.5, 1.0]> : tensor<2xf32>}}} {
  func.func @scaled(%x: tensor<?x2xf32> {nn.name = "x"}) -> tensor<?x1xf32> {
    %f = nn.constant dense<[0.5, 1.0]> : tensor<2xf32>
    %i = nn.mul %x, %f : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("x/smoothed")
    %w = nn.constant dense<[[0.4], [-8.0]]> : tensor<2x1xf32>
    %y = nn.matmul %i, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}

// -----

// Nothing is known of the other input: its op is left for rounding to nearest.
// CHECK-LABEL: func @other
// CHECK-NOT: qopt.dequantize
// REMARK: rounded to nearest: calibration has no Gram matrix of its input 'z' [GPTQ-NO-STATS]
module attributes {qopt.inputs = {}} {
  func.func @other(%x: tensor<?x2xf32> {nn.name = "z"}) -> tensor<?x1xf32> {
    %w = nn.constant dense<[[0.4], [-8.0]]> : tensor<2x1xf32>
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
}
