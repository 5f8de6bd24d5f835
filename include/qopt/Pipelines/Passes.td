// Passes that belong to the way of a model through the compiler, not to a dialect.
#ifndef QOPT_PIPELINES_PASSES
#define QOPT_PIPELINES_PASSES

include "mlir/Pass/PassBase.td"

def VerifyPhasePass : Pass<"verify-phase", "::mlir::ModuleOp"> {
  let summary = "Check what holds at the end of a phase";
  let description = [{
    The pipelines run it at their borders, so that a pass that leaves something behind is found there. What holds at the end of

    - `imported`: there is no `onnxraw` op;
    - `calibrating`: every observer stands in `qopt.sites`;
    - `transformed`, `quantized`: there are no observers; after `quantized`, no statistics (`qopt.ranges`, `qopt.channels`);
    - `legalized`: the signature is recorded (`qopt.signature`);
    - `linalg`: there are no `nn` and no `tosa` ops, nor `qopt` ops other than observers;
    - `buffers`: no op makes a tensor;
    - `loops`: there are no `linalg` ops;
    - `lowered`: there is nothing but the LLVM dialect.

    ```mlir
    %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    // verify-phase{phase=linalg}: error: nn.relu is left after the phase 'linalg'
    ```
  }];
  let options = [Option<"phase", "phase", "std::string", "\"imported\"", "The phase that has ended">];
}

def StripStatisticsPass : Pass<"qopt-strip-statistics", "::mlir::ModuleOp"> {
  let summary = "Drop the statistics that the passes before it have read";
  let description = [{
    What calibration knows lies in module attributes while a model is quantized; what is written does not carry it.

    ```mlir
    module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}, qopt.channels = {}} {}
    // becomes
    module {}
    ```
  }];
}

def LowerTosaPass : Pass<"qopt-lower-tosa", "::mlir::func::FuncOp"> {
  let summary = "Lower tosa to linalg, by upstream's passes, where a function has any";
  let description = [{
    Programs in tosa run, are calibrated and quantized like others: the passes of quantization see tosa through its interface models, and
    what they leave is lowered here. Functions without tosa cost no more than the look.

    ```mlir
    %y = tosa.add %x, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    // becomes
    %y = linalg.generic {…} ins(%x, %b : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {…}
    ```
  }];
}

#endif
