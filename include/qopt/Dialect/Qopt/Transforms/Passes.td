// Quantization passes: they work on interfaces and the placement table, and take statistics from module attributes.
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_PASSES
#define QOPT_DIALECT_QOPT_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def InsertObserversPass : Pass<"qopt-insert-observers", "::mlir::ModuleOp"> {
  let summary = "Observe every tensor that could be quantized";
  let description = [{
    Puts a `qopt.observe` after each site (see Sites.h) that touches an op of the placement table, and lists the names in the module
    attribute `qopt.sites`, by index; `qopt.site_axes` tells along which dim channels are counted (-1: none). With `linear-inputs-only`, only the activations of linear ops are observed.

    ```mlir
    %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    // becomes
    %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    qopt.observe %y, "relu_1", 0 : tensor<4xf32>
    ```
  }];
  let options = [
    Option<"linearInputsOnly", "linear-inputs-only", "bool", "false", "Observe the activations of linear ops only">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect"];
}

def InsertQDQPass : Pass<"qopt-insert-qdq", "::mlir::ModuleOp"> {
  let summary = "Quantize weights and activations as quantize/dequantize pairs";
  let description = [{
    Linear ops get weights in the format `weights` (see OperandSpec.h; those that an earlier pass quantized keep theirs) and, unless `activations` is `none`, quantized activations: `static` with
    the range that the module attribute `qopt.ranges` states for the site (`{site = array<f64: min, max>}`), or `dynamic` with one scale per token.
    The placement table says which ops between them stay in integers. Each linear op's outcome is recorded (`qopt.decisions`).

    ```mlir
    %y = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    // becomes
    %q = qopt.quantize %x, %s, %z : (tensor<?x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x4xui8>
    %d = qopt.dequantize %q, %s, %z : (tensor<?x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x4xf32>
    %wd = qopt.dequantize %wq, %ws {axis = 1 : i64} : (tensor<4x2xi8>, tensor<2xf32>) -> tensor<4x2xf32>
    %y = nn.matmul %d, %wd : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"activations", "activations", "std::string", "\"static\"", "none, static or dynamic">,
    Option<"activationType", "activation-type", "std::string", "\"ui8\"", "ui8 (asymmetric) or i8 (symmetric)">,
    Option<"weights", "weights", "std::string", "\"int8:channel\"", "Format and granularity of weights, as in int4:group=128">,
    Option<"weightClip", "weight-clip", "std::string", "\"max\"", "max (abs-max) or mse (searched clip)">,
    Option<"computedProducts", "computed-products", "bool", "false", "Also quantize products of two computed tensors (attention)">,
    ListOption<"ignore", "ignore", "std::string", "Names of ops to keep in float">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops to look at (default: all)">,
    ListOption<"biasCorrection", "bias-correction", "std::string",
               "Names of ops whose bias takes up the mean error of weight rounding (statistics: `qopt.channels`)">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def LegalizePass : Pass<"qopt-legalize", "::mlir::ModuleOp"> {
  let summary = "Turn quantize/dequantize islands into integer compute";
  let description = [{
    Products and convolutions of dequantized operands become `qopt.integer_matmul`/`qopt.integer_conv` with the scales multiplied afterwards;
    ops that only move elements move codes. The int32 accumulator is proven not to overflow from the weights themselves, else the op stays
    in float and the record says so. A bias of int32 codes joins the accumulator where the same proof holds, and a result that is quantized
    again takes one multiplier, sx * sw / sy, as ONNX Runtime's QLinearConv does: integer models give the same codes there and here. Clips
    whose bounds are the ends of the codes go, as saturation does their work.

    ```mlir
    %acc = qopt.integer_matmul %q, %wq zero_point_a %z : (tensor<?x4xui8>, tensor<4x2xi8>, tensor<ui8>) -> tensor<?x2xi32>
    %f = nn.cast %acc : (tensor<?x2xi32>) -> tensor<?x2xf32>
    %y = nn.mul %f, %scales : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def SmoothQuantPass : Pass<"qopt-smoothquant", "::mlir::ModuleOp"> {
  let summary = "Move activation outliers into weights (SmoothQuant)";
  let description = [{
    Linears that share an activation get it divided per channel by s and their weights multiplied by it. The division is an explicit
    `nn.mul` that fuses into the kernel that makes or quantizes the activation. Statistics come from the module attribute `qopt.channels`
    (`{site = {min, max, mean_square}}`); the range of the new tensor is entered in `qopt.ranges`. Without `alpha` each group takes the scales
    of least expected output error (see Numerics/Quantizers/SmoothSearch.h).

    ```mlir
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    // becomes
    %i = nn.mul %x, %inverse_s : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    %y = nn.matmul %i, %s_w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"alpha", "alpha", "double", "-1.0", "Fixed migration strength from 0 to 1; negative: searched">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops to smooth (default: all)">
  ];
  let dependentDialects = ["::qopt::nn::NNDialect"];
}

#endif
