// Ops that multiply and accumulate: matrix products, convolutions, attention.
#ifndef QOPT_DIALECT_NN_IR_NNLINEAROPS
#define QOPT_DIALECT_NN_IR_NNLINEAROPS

include "qopt/Dialect/NN/IR/NNBase.td"

def NN_MatMulOp : NN_PureOp<"matmul"> {
  let summary = "Matrix product with numpy.matmul's rules (rank 1 promoted, leading dims broadcast)";
  let arguments = (ins NN_AnyTensor:$a, NN_AnyTensor:$b);
  let results = (outs NN_AnyTensor:$y);
}

def NN_GemmOp : NN_PureOp<"gemm"> {
  let summary = "alpha * A' * B' + beta * C for matrices";
  let arguments = (ins NN_AnyTensor:$a, NN_AnyTensor:$b, Optional<NN_AnyTensor>:$c,
                       DefaultValuedAttr<F32Attr, "1.0f">:$alpha, DefaultValuedAttr<F32Attr, "1.0f">:$beta,
                       DefaultValuedAttr<BoolAttr, "false">:$transA, DefaultValuedAttr<BoolAttr, "false">:$transB);
  let results = (outs NN_AnyTensor:$y);
}

def NN_ConvOp : NN_PureOp<"conv"> {
  let summary = "Convolution of any number of spatial dims, grouped";
  let description = [{
    `layout` "NCX" is ONNX's: x is N×C×spatial, w is M×(C/group)×kernel, y is N×M×spatial. With "NXC" x is N×spatial×C,
    w is kernel×(C/group)×M and y is N×spatial×M. `pads` are all begins, then all ends; automatic padding is already resolved, or,
    where a spatial dim is dynamic, named by `auto_pad` ("SAME_UPPER", "SAME_LOWER"; else "NOTSET").
  }];
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$w, Optional<NN_AnyTensor>:$b, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DefaultValuedAttr<I64Attr, "1">:$group,
                       DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, DefaultValuedAttr<StrAttr, "\"NCX\"">:$layout);
  let results = (outs NN_AnyTensor:$y);
  let hasVerifier = 1;
}

def NN_ConvTransposeOp : NN_PureOp<"conv_transpose"> {
  let summary = "Transposed convolution (gradient of a convolution by its input); w is C×(M/group)×kernel; pads resolved";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$w, Optional<NN_AnyTensor>:$b, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$output_padding,
                       DefaultValuedAttr<I64Attr, "1">:$group, DefaultValuedAttr<StrAttr, "\"NCX\"">:$layout);
  let results = (outs NN_AnyTensor:$y);
}

def NN_EinsumOp : NN_PureOp<"einsum"> {
  let summary = "Einstein summation";
  let arguments = (ins Variadic<NN_AnyTensor>:$inputs, StrAttr:$equation);
  let results = (outs NN_AnyTensor:$y);
}

def NN_AttentionOp : NN_PureOp<"attention"> {
  let summary = "Scaled dot-product attention softmax(scale * Q * K^T + mask) * V over 4-D heads";
  let description = [{
    q is B×H×S×D, k is B×G×T×D, v is B×G×T×E with H a multiple of G (grouped-query attention); the additive or boolean mask
    broadcasts to B×H×S×T. `is_causal` hides keys after the query's position (aligned at the start). Softmax is in f32.
  }];
  let arguments = (ins NN_AnyTensor:$q, NN_AnyTensor:$k, NN_AnyTensor:$v, Optional<NN_AnyTensor>:$mask,
                       F32Attr:$scale, DefaultValuedAttr<F32Attr, "0.0f">:$softcap,
                       DefaultValuedAttr<BoolAttr, "false">:$is_causal);
  let results = (outs NN_AnyTensor:$y);
}

#endif
