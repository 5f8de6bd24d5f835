// The onnxraw dialect: whatever ONNX says, kept whole.
#ifndef QOPT_DIALECT_ONNXRAW_IR_ONNXRAWOPS
#define QOPT_DIALECT_ONNXRAW_IR_ONNXRAWOPS

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNXRaw_Dialect : Dialect {
  let name = "onnxraw";
  let cppNamespace = "::qopt::onnxraw";
  let summary = "ONNX graphs without semantics: one generic node and an initializer";
  let description = [{
    The importer writes this and knows no op; conversions by op family (`convert-onnxraw-to-nn`) give it meaning. Absent optional
    operands are `onnxraw.none`. Types: ONNX's signed integers are signless, unsigned ones unsigned, bool is `i1`; a value without an
    inferred rank is an unranked tensor.
  }];
}

def ONNXRaw_NodeOp : Op<ONNXRaw_Dialect, "node", [RecursiveMemoryEffects]> {
  let summary = "One ONNX node";
  let description = [{
    ```mlir
    %y = onnxraw.node "Relu"(%x) {domain = "", version = 14 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
    ```
    `onnx_attributes` holds ONNX's own attributes by name: integers as i64, floats as f32, strings, `array<i64>`/`array<f32>`, string
    arrays, tensors as elements attributes, types as type attributes. Graph attributes are regions, named by `region_names`.
  }];
  let arguments = (ins StrAttr:$op_type, Variadic<AnyType>:$inputs, DefaultValuedAttr<StrAttr, "\"\"">:$domain,
                       I64Attr:$version, OptionalAttr<DictionaryAttr>:$onnx_attributes,
                       OptionalAttr<StrArrayAttr>:$region_names);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region VariadicRegion<AnyRegion>:$bodies);
  let assemblyFormat = [{
    $op_type `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $bodies
  }];
}

def ONNXRaw_YieldOp : Op<ONNXRaw_Dialect, "yield", [Pure, Terminator]> {
  let summary = "Outputs of a graph attribute";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def ONNXRaw_NoneOp : Op<ONNXRaw_Dialect, "none", [Pure]> {
  let summary = "An optional operand that is absent";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def ONNXRaw_InitializerOp : Op<ONNXRaw_Dialect, "initializer", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "A constant tensor of the model, by its ONNX name";
  let arguments = (ins StrAttr:$name, ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::ElementsAttr":$value), [{
    build($_builder, $_state, value.getType(), name, value);
  }]>];
  let assemblyFormat = "$name attr-dict `=` $value";
}

#endif
