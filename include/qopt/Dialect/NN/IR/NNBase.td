// The nn dialect: the normalized model graph.
#ifndef QOPT_DIALECT_NN_IR_NNBASE
#define QOPT_DIALECT_NN_IR_NNBASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::qopt::nn";
  let summary = "Normalized model graph with ONNX's semantics at one opset";
  let description = [{
    Ops keep ONNX's names (in snake case), attribute names, operand order and semantics, with these normalizations:

    * everything is a ranked tensor (`tensor<f32>` is a scalar); dimensions may be dynamic (`?`);
    * integers are signless for ONNX's signed types and unsigned for its unsigned ones (`i8` is int8, `ui8` is uint8),
      booleans are `i1`;
    * what ONNX passes as an operand but has to be constant (axes, split sizes) is an attribute, and negative axes are
      already counted from the front;
    * an optional operand that is absent is simply not there (`AttrSizedOperandSegments`);
    * a variadic reduction of operands (Sum, Max, Min, Mean) is a chain of binary ops;
    * the op's location is a `NameLoc` with the ONNX node's name: it names the *site* in statistics, recipes and reports.

    Constants are `nn.constant`: a `dense` attribute up to 1 KiB, else a `dense_resource` over mapped memory.
  }];
  let hasConstantMaterializer = 1;
}

defvar NN_AnyTensor = AnyRankedTensor;

class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, traits>;

class NN_PureOp<string mnemonic, list<Trait> traits = []> : NN_Op<mnemonic, !listconcat([Pure], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// The same, for ops with several optional operands.
class NN_SegmentedOp<string mnemonic, list<Trait> traits = []>
    : NN_PureOp<mnemonic, !listconcat([AttrSizedOperandSegments], traits)> {
  let assemblyFormat = ?;
}

#endif
