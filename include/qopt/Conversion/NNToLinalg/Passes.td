// The lowering of the graph to linalg.
#ifndef QOPT_CONVERSION_NNTOLINALG_PASSES
#define QOPT_CONVERSION_NNTOLINALG_PASSES

include "mlir/Pass/PassBase.td"

def ConvertNNToLinalg : Pass<"convert-nn-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lowers nn and qopt ops to linalg, tensor, arith and math on tensors in stored form";
  let description = [{
    Every op becomes its generic reference form with dynamic dims; what a target has a better kernel for is taken
    before. Element types lose their meaning (`ui8` becomes `i8`, see Conversion/Common/ElementTypes.h); ops of other
    dialects stay, with their types in stored form. Small integer tensors of shape arithmetic become scalars.
    What can only fail while the program runs becomes `cf.assert` with a sentence that names the node.

    Before:
    ```mlir
    func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %y = nn.relu %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
    After: a `linalg.generic` with `arith.maximumf` in its body.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

#endif
