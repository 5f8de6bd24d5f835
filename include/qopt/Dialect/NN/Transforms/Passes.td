#ifndef QOPT_DIALECT_NN_TRANSFORMS_PASSES
#define QOPT_DIALECT_NN_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def NNFoldConstants : Pass<"nn-fold-constants"> {
  let summary = "Evaluates ops whose operands are constants, and shape arithmetic with known dims";
  let description = [{
    Float results are rounded once per op, as the program would round them. A result that would be larger than what it is made of
    (an expanded scalar) is left to run time.

    ```mlir
    %a = nn.constant dense<[1, 2]> : tensor<2xi64>
    %b = nn.neg %a : (tensor<2xi64>) -> tensor<2xi64>
    ```
    becomes
    ```mlir
    %b = nn.constant dense<[-1, -2]> : tensor<2xi64>
    ```
  }];
  let options = [Option<"maxGrowth", "max-growth", "int64_t", "4096",
                        "Bytes by which a result may be larger than its operands">];
  let dependentDialects = ["nn::NNDialect"];
}

def NNFoldBatchNorm : Pass<"nn-fold-batch-norm"> {
  let summary = "Folds batch normalization and constant scales and shifts of channels into the op before";
  let description = [{
    With s = scale / sqrt(var + epsilon), a convolution's weight becomes w * s and its bias (b - mean) * s + bias, per output channel,
    computed in double and rounded once. The same holds for a product with, or sum of, a constant per channel. A batch normalization
    that follows nothing foldable becomes a product and a sum.

    ```mlir
    %c = nn.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (…) -> tensor<?x8x4x4xf32>
    %y = nn.batch_normalization %c, %scale, %bias, %mean, %var {epsilon = 1.0e-05 : f32} : (…) -> tensor<?x8x4x4xf32>
    ```
    becomes
    ```mlir
    %y = nn.conv %x, %w_folded, %b_folded {…} : (…) -> tensor<?x8x4x4xf32>
    ```
  }];
  let dependentDialects = ["nn::NNDialect"];
}

def NNRecognize : Pass<"nn-recognize"> {
  let summary = "Recognizes GELU, SiLU, HardSwish, LayerNorm and RMSNorm from their pieces";
  let description = [{
    Exporters spell these out in many ways; factors and terms match in any order. The named op has one lowering, one place for
    observers, and quantizes as one.

    ```mlir
    %s = nn.sigmoid %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %y = nn.mul %x, %s : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
    becomes
    ```mlir
    %y = nn.swish %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["nn::NNDialect"];
}

def NNSimplify : Pass<"nn-simplify"> {
  let summary = "Removes ops that do nothing, and joins ops that cancel or compose";
  let description = [{
    Identity transposes, reshapes, casts, expansions, slices and concatenations; transposes of transposes; reshapes of reshapes;
    lossless casts there and back; x * 1, x + 0, x / 1, x ^ 2; a ReLU before a clip that does as much; comparisons of dims with
    negative numbers.

    ```mlir
    %a = nn.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
    %b = nn.transpose %a {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
    ```
    becomes `%x`.
  }];
  let dependentDialects = ["nn::NNDialect"];
}

def NNGradient : Pass<"nn-gradient", "::mlir::ModuleOp"> {
  let summary = "Appends d loss / d argument to the results of functions whose first result is a loss";
  let description = [{
    Differentiates backwards (appendGradients, Gradient.h). Values that do not lie between the arguments and the loss stay as they are;
    an op between them without a rule is an error. Fused attention between them becomes the products and the softmax it stands for. Scales of `qopt.dequantize` are arguments like others: their gradient is that of the
    weight times code less zero point, summed over each group. Codes that are computed pass gradients straight through, but for those that
    were saturated; the gradients of their scales are those of learned step sizes (LSQ). Scales that are made from the tensor itself
    count as given.

    ```mlir
    func.func @loss(%x: tensor<8xf32>, %t: tensor<8xf32>) -> tensor<f32> {
      %p = nn.mul %x, %t : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
      %l = nn.reduce_sum %p {axes = array<i64: 0>, keepdims = false} : (tensor<8xf32>) -> tensor<f32>
      return %l : tensor<f32>
    }
    ```
    becomes with `arguments=0`
    ```mlir
    func.func @loss(%x: tensor<8xf32>, %t: tensor<8xf32>) -> (tensor<f32>, tensor<8xf32>) {
      %p = nn.mul %x, %t : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
      %l = nn.reduce_sum %p {axes = array<i64: 0>, keepdims = false} : (tensor<8xf32>) -> tensor<f32>
      %one = nn.constant dense<1.000000e+00> : tensor<f32>
      %n = nn.constant dense<8> : tensor<1xi64>
      %d = nn.expand %one, %n : (tensor<f32>, tensor<1xi64>) -> tensor<8xf32>
      %g = nn.mul %d, %t : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
      return %l, %g : tensor<f32>, tensor<8xf32>
    }
    ```
  }];
  let options = [
    ListOption<"arguments", "arguments", "unsigned", "Indices of the arguments to differentiate with respect to">,
    Option<"function", "function", "std::string", "\"\"", "The function (default: each whose first result is tensor<f32>)">
  ];
  let dependentDialects = ["nn::NNDialect", "::qopt::qir::QoptDialect"];
}

def NNInferShapes : Pass<"nn-infer-shapes"> {
  let summary = "Makes result types as precise as the operands allow";
  let description = [{
    ```mlir
    %y = nn.relu %x : (tensor<2x3xf32>) -> tensor<?x?xf32>
    ```
    becomes
    ```mlir
    %y = nn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
    Operands that contradict each other are an error.
  }];
  let dependentDialects = ["nn::NNDialect"];
}

#endif
