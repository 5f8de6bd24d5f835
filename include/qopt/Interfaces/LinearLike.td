// Ops that multiply an activation with a weight and accumulate.
#ifndef QOPT_INTERFACES_LINEARLIKE
#define QOPT_INTERFACES_LINEARLIKE

include "mlir/IR/OpBase.td"

def LinearLikeOpInterface : OpInterface<"LinearLikeOpInterface"> {
  let cppNamespace = "::qopt";
  let description = [{
    A contraction of two operands: matrix products and convolutions. Algorithms (ranges, SmoothQuant, AWQ, GPTQ) see the op
    only through this interface, so that they run on any dialect that attaches a model of it.
  }];
  let methods = [
    InterfaceMethod<"The operand that varies with the model's input.", "::mlir::OpOperand &", "getActivationOperand">,
    InterfaceMethod<"The other factor. Where it is a constant, it is the weight.", "::mlir::OpOperand &", "getWeightOperand">,
    InterfaceMethod<"A bias that the op itself adds, or null.", "::mlir::Value", "getBiasValue",
                    (ins), [{}], [{ return {}; }]>,
    InterfaceMethod<"Dim of the weight that runs over output channels; -1 if there is none.", "int64_t", "getWeightOutputAxis">,
    InterfaceMethod<"Dim of the weight that runs over input channels (of one group); -1 if there is none.", "int64_t",
                    "getWeightInputAxis">,
    InterfaceMethod<"Dim of the activation that runs over input channels.", "int64_t", "getActivationChannelAxis">,
    InterfaceMethod<"Number of groups that the channels fall into.", "int64_t", "getChannelGroups",
                    (ins), [{}], [{ return 1; }]>,
    InterfaceMethod<"What of the activation the weight's columns are multiplied with.", "::qopt::InputWindow", "getInputWindow",
                    (ins), [{}], [{ return {}; }]>
  ];
}

#endif
