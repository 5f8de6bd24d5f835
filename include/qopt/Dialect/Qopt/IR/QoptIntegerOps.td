// Integer compute, after legalization: exact int32 accumulation, no scales inside.
#ifndef QOPT_DIALECT_QOPT_IR_QOPTINTEGEROPS
#define QOPT_DIALECT_QOPT_IR_QOPTINTEGEROPS

include "qopt/Dialect/Qopt/IR/QoptBase.td"

def Qopt_IntegerMatMulOp : Qopt_Op<"integer_matmul", [Pure, AttrSizedOperandSegments]> {
  let summary = "Exact sum over k of (a - a_zero_point) * (b - b_zero_point), in i32";
  let description = [{
    Shapes as in nn.matmul. a and b are 8-bit integers. a_zero_point is a scalar or, per row, a tensor that broadcasts
    to a with last dim one; b_zero_point is a scalar or a vector over the last dim. Scaling, bias, activation and requantization
    are elementwise ops after it, which code generation fuses into the tile. Legalization proves that the accumulator can't overflow.

    ```mlir
    %acc = qopt.integer_matmul %a, %w zero_point_a %za : (tensor<?x384xui8>, tensor<384x1536xi8>, tensor<ui8>) -> tensor<?x1536xi32>
    ```
  }];
  let arguments = (ins Qopt_AnyTensor:$a, Qopt_AnyTensor:$b, Optional<Qopt_AnyTensor>:$a_zero_point,
                       Optional<Qopt_AnyTensor>:$b_zero_point);
  let results = (outs Qopt_AnyTensor:$y);
  let assemblyFormat = [{
    $a `,` $b (`zero_point_a` $a_zero_point^)? (`zero_point_b` $b_zero_point^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Qopt_IntegerConvOp : Qopt_Op<"integer_conv", [Pure, AttrSizedOperandSegments]> {
  let summary = "Convolution of (x - x_zero_point) with (w - w_zero_point), exact in i32";
  let description = [{
    Attributes and layouts as in nn.conv; padding stands for x_zero_point (a real zero). x_zero_point is a scalar,
    w_zero_point a scalar or a vector over the output channels.
  }];
  let arguments = (ins Qopt_AnyTensor:$x, Qopt_AnyTensor:$w, Optional<Qopt_AnyTensor>:$x_zero_point,
                       Optional<Qopt_AnyTensor>:$w_zero_point, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DefaultValuedAttr<I64Attr, "1">:$group,
                       DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, DefaultValuedAttr<StrAttr, "\"NCX\"">:$layout);
  let results = (outs Qopt_AnyTensor:$y);
  let assemblyFormat = [{
    $x `,` $w (`zero_point_x` $x_zero_point^)? (`zero_point_w` $w_zero_point^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Qopt_LookupOp : Qopt_Op<"lookup", [Pure]> {
  let summary = "table[x] for an integer x of at most 8 bits: any function of one quantized tensor, by table";
  let description = [{
    The table has an element for each code (256 for 8 bits, 16 for 4), indexed by x's bits read as unsigned; the result has the table's
    element type. NF4 weights are `ui4` codes and the table of QLoRA's appendix E.

    ```mlir
    %v = qopt.lookup %codes, %table : (tensor<64x8xui4>, tensor<16xf32>) -> tensor<64x8xf32>
    ```
  }];
  let arguments = (ins Qopt_AnyTensor:$x, Qopt_AnyTensor:$table);
  let results = (outs Qopt_AnyTensor:$y);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif
