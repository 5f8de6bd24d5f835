// Ops on the vectors of a residual stream.
#ifndef QOPT_INTERFACES_STREAM
#define QOPT_INTERFACES_STREAM

include "mlir/IR/OpBase.td"

def StreamOpInterface : OpInterface<"StreamOpInterface"> {
  let cppNamespace = "::qopt";
  let description = [{
    What becomes of an op's result when the vectors along the last dim of its operands are all multiplied by the same orthogonal matrix.
    Rotation finds residual streams by it. Products are seen through LinearLikeOpInterface instead.
  }];
  let methods = [
    InterfaceMethod<"How the op treats vectors along the last dim; for None, `why` has a clause.", "::qopt::StreamRole", "getStreamRole",
                    (ins "std::string &":$why)>,
    InterfaceMethod<"The operands whose vectors these are.", "::llvm::SmallVector<::mlir::OpOperand *>", "getStreamOperands",
                    (ins), [{}], [{ return {&$_op->getOpOperand(0)}; }]>,
    InterfaceMethod<"The vector that a normalization multiplies by, or null.", "::mlir::OpOperand *", "getStreamScale",
                    (ins), [{}], [{ return nullptr; }]>
  ];
}

#endif
