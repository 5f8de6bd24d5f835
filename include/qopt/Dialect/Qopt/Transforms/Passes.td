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
    Option<"linearInputsOnly", "linear-inputs-only", "bool", "false", "Observe the activations of linear ops only">,
    ListOption<"only", "only", "std::string", "Names of the only sites to observe (default: all)">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect"];
}

def InsertQDQPass : Pass<"qopt-insert-qdq", "::mlir::ModuleOp"> {
  let summary = "Quantize weights and activations as quantize/dequantize pairs";
  let description = [{
    Linear ops get weights in the format `weights` (spelled as OperandSpec.h has it; those that an earlier pass quantized keep theirs) and, unless
    `activations` is `none`, quantized activations: static ones with the range that the module attribute `qopt.ranges` states for the site
    (`{site = array<f64: min, max>}`), dynamic ones with scales per tensor, token or group. Weights in float and table formats and their
    scales are as docs/formats.md describes. Between static integers, the placement table says which ops stay in integers. Each linear op's
    outcome is recorded (`qopt.decisions`).

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
    Option<"activations", "activations", "std::string", "\"uint8:tensor:asymmetric\"",
           "none, or format and granularity as in f8e4m3fn:token:dynamic (OperandSpec.h)">,
    Option<"weights", "weights", "std::string", "\"int8:channel\"",
           "Format and granularity of weights, as in int4:group=128 or f4e2m1fn:group=16:scale=f8e4m3fn:double">,
    Option<"weightClip", "weight-clip", "std::string", "\"max\"", "max (abs-max) or mse (searched clip)">,
    Option<"computedProducts", "computed-products", "bool", "false", "Also quantize products of two computed tensors (attention)">,
    ListOption<"ignore", "ignore", "std::string", "Names of ops to keep in float">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops to look at (default: all)">,
    ListOption<"biasCorrection", "bias-correction", "std::string",
               "Names of ops whose bias takes up the mean error of weight rounding (statistics: `qopt.channels`)">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def QuantizeBiasPass : Pass<"qopt-quantize-bias", "::mlir::ModuleOp"> {
  let summary = "Write biases as int32 codes in units of sx * sw";
  let description = [{
    A convolution or Gemm that can run on integers (see qopt-legalize) adds its bias to int32 accumulators, whose unit is the product of
    the scales of its factors. The bias becomes codes in that unit: our own integer code and every runtime that fuses the pairs (ONNX
    Runtime's QLinearConv and QGemm) then add the same integers. Weights of a channel that are tiny beside its bias get a coarser scale,
    under which the bias fits. Where an accumulator plus its bias is not proven to stay within int32 the
    bias stays in float, with a remark.

    ```mlir
    %y = nn.gemm %x, %w, %b : (tensor<?x4xf32>, tensor<4x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    // with %x and %w dequantized becomes
    %d = qopt.dequantize %codes, %sxsw {axis = 0 : i64} : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xf32>
    %y = nn.gemm %x, %w, %d : (tensor<?x4xf32>, tensor<4x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def ExpandDynamicScalesPass : Pass<"qopt-expand-dynamic-scales", "::mlir::ModuleOp"> {
  let summary = "Spell scales of run time out in plain ops";
  let description = [{
    For export: ONNX has no op for symmetric scales of tokens. Scales in float32 of whole tensors and of whole rows become a maximum of
    magnitudes and a division; scales of groups within a row and scales that are codes stay as they are, and cannot be exported.

    ```mlir
    %s = qopt.dynamic_scale %x {axis = 1 : i64, block_size = 64 : i64, top = 127.0 : f32} : (tensor<?x64xf32>) -> tensor<?x1xf32>
    // becomes
    %a = nn.abs %x : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %m = nn.reduce_max %a {axes = array<i64: 1>} : (tensor<?x64xf32>) -> tensor<?x1xf32>
    %d = nn.div %m, %top : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %n = nn.max %d, %least : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %z = nn.equal %m, %zero : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xi1>
    %s = nn.where %z, %one, %n : (tensor<?x1xi1>, tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    ```
  }];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def ExactSumsPass : Pass<"qopt-exact-sums", "::mlir::ModuleOp"> {
  let summary = "Put the scales of convolutions with float results behind their sums";
  let description = [{
    For export. A runtime fuses a convolution of dequantized factors with the quantize behind it and computes on integers. Where the result
    stays in float (a branch that ends in a residual addition), it sums floats, in an order of its own, and differs from exact sums in the
    last bit; some layers on that is as large as the noise of quantization. With scales of one the factors are integers, and as long as no
    partial sum exceeds 2^24 (where the weights do not prove it there is a remark) float32 holds all sums exactly, in any order. The product
    of the scales is multiplied afterwards, as our own integer code does.

    ```mlir
    %xd = qopt.dequantize %x, %sx, %zx : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
    %wd = qopt.dequantize %w, %sw {axis = 0 : i64} : (tensor<2x2x1x1xi8>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
    %y = nn.conv %xd, %wd : …
    // becomes
    %xd = qopt.dequantize %x, %one, %zx : …
    %wd = qopt.dequantize %w, %ones {axis = 0 : i64} : …
    %sum = nn.conv %xd, %wd : …
    %y = nn.mul %sum, %sxsw : …
    ```
  }];
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
  let options = [
    Option<"dynamicOnly", "dynamic-only", "bool", "false",
           "Only matrix products whose activation gets its scales at run time; all else stays in pairs">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def EqualizationPass : Pass<"qopt-equalization", "::mlir::ModuleOp"> {
  let summary = "Make the channels between two linear ops alike in range (cross-layer equalization)";
  let description = [{
    Where one linear op's outputs reach the next through ops that pass positive factors on (ReLU, sums with constants, moves; see
    ChannelFactorsOpInterface), channel i of the first weight and of its bias is divided by s_i = sqrt(r1_i / r2_i) and channel i of the
    second weight multiplied by it, r being the greatest magnitudes (arXiv 1906.04721, section 4.1). The function stays what it is, to
    the rounding of the weights. Pairs are swept over until the factors are one. No data is needed; it runs before calibration. Each linear
    op is told in the record with which it was equalized (EQUAL-DONE), or what is in the way (EQUAL-REFUSED), as the bound of a clip is.

    ```mlir
    %h = nn.matmul %x, %w1 : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>  // columns reach 16 and 1
    %r = nn.relu %h : (tensor<?x2xf32>) -> tensor<?x2xf32>
    %y = nn.matmul %r, %w2 : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>  // rows reach 1 and 4
    // becomes the same with columns that reach 4 and 2, rows that reach 4 and 2
    ```
  }];
  let options = [
    Option<"sweeps", "sweeps", "int64_t", "20", "Most sweeps over all pairs">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops whose weights may change (default: all)">
  ];
  let dependentDialects = ["::qopt::nn::NNDialect"];
}

def RotationPass : Pass<"qopt-rotation", "::mlir::ModuleOp"> {
  let summary = "Turn residual streams by an orthogonal matrix, merged into weights (QuaRot)";
  let description = [{
    A residual stream is the vector per token that layers add to and RMS norms read (Analysis/Streams.h; found from dataflow through
    StreamOpInterface). Its norms' scales go into the products that read them; then every weight that reads the stream is multiplied by Q
    along its inputs, and every weight, bias and table that writes it along its outputs (arXiv 2404.00456, section 4; x' = x Q at every
    point of it). Nothing is computed at run time, and the function stays what it is, to the rounding of the weights. Q is a Hadamard matrix, with random
    signs where `randomized`, or for sizes without a known one a random orthogonal matrix (Numerics/Quantizers/Hadamard.h). It runs before
    calibration. Streams that are not closed (something else reads or writes them, a norm subtracts the mean) stay as they are, with a
    sentence (ROTATE-REFUSED, ROTATE-NONE).

    ```mlir
    %x = nn.gather %table, %ids {axis = 0 : i64} : (tensor<9x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
    %n = nn.rms_normalization %x, %scale {axis = 1 : i64, epsilon = 1.0e-05 : f32} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    %y = nn.matmul %n, %w : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
    // becomes the same with table Q, a scale of ones, and Q^T diag(scale) w
    ```
  }];
  let options = [
    Option<"randomized", "randomized", "bool", "true", "Random signs">,
    Option<"seed", "seed", "uint64_t", "0", "Of the signs, or of the random matrix">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops whose weights may change (default: all)">
  ];
  let dependentDialects = ["::qopt::nn::NNDialect"];
}

def SmoothQuantPass : Pass<"qopt-smoothquant", "::mlir::ModuleOp"> {
  let summary = "Move activation outliers into weights (SmoothQuant)";
  let description = [{
    Linears that share an activation get it divided per channel by s and their weights multiplied by it. The division goes into what makes
    the activation where that is exact and nothing else reads it (a norm's scale, the weight of the product before; FOLD-DONE), else it is
    an explicit `nn.mul` (FOLD-MULTIPLY says what was in the way) that fuses into the kernel that makes or quantizes the activation. Statistics come from the module attribute `qopt.channels`
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

def AWQPass : Pass<"qopt-awq", "::mlir::ModuleOp"> {
  let summary = "Scale up the input channels that matter before rounding (AWQ)";
  let description = [{
    For linears that share an input, a grid of per-channel scales (Numerics/Quantizers/Awq.h) is tried by the error that rounding to
    `weights` makes on calibration's inputs, whose Gram matrices come from the driver in memory or from the module attribute
    `qopt.inputs`. Where a scale is better than none the weights are multiplied by it and the input divided, folded or as in qopt-smoothquant.

    ```mlir
    %y = nn.matmul %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    // becomes
    %i = nn.mul %x, %inverse_s : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    %y = nn.matmul %i, %s_w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int4:group=128\"", "Format and granularity that the weights will get">,
    Option<"steps", "steps", "int64_t", "20", "Ratios to try">,
    Option<"duoScaling", "duo-scaling", "bool", "true", "Also try scales over the weights' own magnitudes">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops to scale (default: all)">
  ];
  let dependentDialects = ["::qopt::nn::NNDialect"];
}

def GPTQPass : Pass<"qopt-gptq", "::mlir::ModuleOp"> {
  let summary = "Round weights with error feedback (GPTQ)";
  let description = [{
    Each linear op with a constant weight gets codes of the format `weights`, chosen column by column so that later columns make up for
    the errors of earlier ones on calibration's inputs: H = sum x x^T comes from the driver in memory or from the module attribute
    `qopt.inputs` (`{key = {gram = tensor<KxKxf64>, mean_abs = tensor<Kxf32>, rows = n}}`). With `order=static` columns go by falling diag(H) while groups
    stay where they are. `clip` chooses scales ahead; `refits` times scales by least squares and a round of coordinate descent over the codes follow,
    then `sweeps` rounds more. `shrinkage` takes trust from sums over few rows. Where an input also has `errors = tensor<KxKxf64>`, the sum of
    (x_f - x) x^T with the float model's x_f, codes approach the product with x_f (GPTAQ). What was dampened, dead or short of rank is recorded. Ops
    without statistics are left to qopt-insert-qdq. Float and table formats (f8e4m3fn, f4e2m1fn, nf4, …) keep the scales of rounding to
    nearest, so `clip`, `refits` and `sweeps` are for integers.

    ```mlir
    %y = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    // becomes
    %d = qopt.dequantize %q, %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xi4>, tensor<2x2xf32>) -> tensor<4x2xf32>
    %y = nn.matmul %x, %d : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int4:group=128\"", "Format and granularity of weights">,
    Option<"clip", "clip", "std::string", "\"max\"", "How groups get scales: max, mse, inputs (weighted by diag H) or hessian">,
    Option<"order", "order", "std::string", "\"static\"", "none or static (by activation)">,
    Option<"blockSize", "block-size", "int64_t", "128", "Columns to a panel; does not change what comes out but for rounding">,
    Option<"dampening", "dampening", "double", "0.01", "Fraction of the mean diagonal that is added to it">,
    Option<"shrinkage", "shrinkage", "double", "0.0",
           "How far H moves to its diagonal, as a multiple of its columns over its rows (never more than half of the way)">,
    Option<"refits", "refits", "int64_t", "0", "How often scales are fitted to the codes, and codes to the scales">,
    Option<"sweeps", "sweeps", "int64_t", "0", "Rounds of coordinate descent afterwards">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops to round (default: all)">,
    ListOption<"biasCorrection", "bias-correction", "std::string",
               "Names of ops whose bias takes up the mean error of rounding (statistics: `qopt.channels`)">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def RoundingPass : Pass<"qopt-rounding", "::mlir::ModuleOp"> {
  let summary = "Choose codes by coordinate descent on calibration's inputs";
  let description = [{
    Starts from rounding to nearest; then each column in turn takes the code that is best given all others, so that tr((W - Q) H (W - Q)^T) falls
    (QuantEase; with `floor-or-ceil` the choice that AdaRound learns). H as in qopt-gptq.

    ```mlir
    %y = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    // becomes
    %d = qopt.dequantize %q, %s {axis = 1 : i64} : (tensor<4x2xi8>, tensor<2xf32>) -> tensor<4x2xf32>
    %y = nn.matmul %x, %d : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int8:channel\"", "Format and granularity of weights">,
    Option<"clip", "clip", "std::string", "\"max\"", "How groups get scales: max, mse, inputs (weighted by diag H) or hessian">,
    Option<"sweeps", "sweeps", "int64_t", "4", "Rounds over all columns">,
    Option<"dampening", "dampening", "double", "0.01", "Fraction of the mean diagonal that is added to it">,
    Option<"floorOrCeil", "floor-or-ceil", "bool", "false", "Only the two codes around the weight">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops to round (default: all)">,
    ListOption<"biasCorrection", "bias-correction", "std::string",
               "Names of ops whose bias takes up the mean error of rounding (statistics: `qopt.channels`)">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

def HQQPass : Pass<"qopt-hqq", "::mlir::ModuleOp"> {
  let summary = "Fit zero points without data (HQQ)";
  let description = [{
    Scales come from each group's extremes, zero points from half-quadratic splitting (Numerics/Quantizers/Rounding.h) and are rounded to the
    integers that the formats store.

    ```mlir
    %y = nn.matmul %x, %w : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    // becomes
    %d = qopt.dequantize %q, %s, %z {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xui4>, tensor<2x2xf32>, tensor<2x2xui4>) -> tensor<4x2xf32>
    %y = nn.matmul %x, %d : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"uint4:group=128:asymmetric\"", "Format and granularity of weights">,
    Option<"iterations", "iterations", "int64_t", "20", "Steps of the splitting">,
    ListOption<"targets", "targets", "std::string", "Names of the only ops to round (default: all)">,
    ListOption<"biasCorrection", "bias-correction", "std::string",
               "Names of ops whose bias takes up the mean error of rounding (statistics: `qopt.channels`)">
  ];
  let dependentDialects = ["::qopt::qir::QoptDialect", "::qopt::nn::NNDialect"];
}

#endif
