#ifndef QOPT_CONVERSION_ONNXRAWTONN_PASSES
#define QOPT_CONVERSION_ONNXRAWTONN_PASSES

include "mlir/Pass/PassBase.td"

def ConvertONNXRawToNN : Pass<"convert-onnxraw-to-nn", "::mlir::ModuleOp"> {
  let summary = "Gives ONNX's nodes their meaning: onnxraw to nn and qopt";
  let description = [{
    Nodes of any opset from 7 on become `nn` ops of one form: optional behaviour of old opsets is resolved, operands that must be
    constant become attributes, negative axes are counted from the front, and quantized ops (`QLinearConv`, `MatMulNBits`, …)
    are said in terms of `qopt.quantize`, `qopt.dequantize` and float or integer ops. Shapes are inferred on the way, and shape
    arithmetic with known dims folds.

    Nodes without an `nn` form are collected: one error lists them all.

    ```mlir
    %y = onnxraw.node "Relu"(%x) {version = 14 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
    ```
    becomes
    ```mlir
    %y = nn.relu %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
    ```
  }];
  let dependentDialects = ["::qopt::nn::NNDialect", "::qopt::qir::QoptDialect"];
}

#endif
