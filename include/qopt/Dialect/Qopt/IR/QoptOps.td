// Ops of the quantized graph before legalization. Integer compute ops stand in QoptIntegerOps.td.
#ifndef QOPT_DIALECT_QOPT_IR_QOPTOPS
#define QOPT_DIALECT_QOPT_IR_QOPTOPS

include "qopt/Dialect/Qopt/IR/QoptIntegerOps.td"

def Qopt_QuantizeOp : Qopt_Op<"quantize", [Pure]> {
  let summary = "saturate(rne(x / scale) + zero_point)";
  let description = [{
    Scale and zero point are scalars (`tensor<f32>`, per tensor), vectors along `axis` (per channel), or, with
    `block_size`, tensors of x's rank whose dim `axis` is ceil(dim / block_size). No zero point means zero. For 8-bit floats
    `saturate` false rounds out-of-range values to infinity or NaN as ONNX says.
  }];
  let arguments = (ins Qopt_AnyTensor:$x, Qopt_AnyTensor:$scale, Optional<Qopt_AnyTensor>:$zero_point,
                       OptionalAttr<I64Attr>:$axis, OptionalAttr<I64Attr>:$block_size,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate);
  let results = (outs Qopt_AnyTensor:$q);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Qopt_DequantizeOp : Qopt_Op<"dequantize", [Pure]> {
  let summary = "(q - zero_point) * scale; scale and zero point as in qopt.quantize";
  let arguments = (ins Qopt_AnyTensor:$q, Qopt_AnyTensor:$scale, Optional<Qopt_AnyTensor>:$zero_point,
                       OptionalAttr<I64Attr>:$axis, OptionalAttr<I64Attr>:$block_size);
  let results = (outs Qopt_AnyTensor:$x);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Qopt_DynamicParamsOp : Qopt_Op<"dynamic_params", [Pure]> {
  let summary = "Scale and zero point from the range of the tensor itself, at run time";
  let description = [{
    Without `token_axis`: one scalar pair for the tensor, as ONNX's DynamicQuantizeLinear (ui8, range extended to hold zero).
    With `token_axis` a: symmetric i8, one scale per index of all dims but a (`scale` has x's shape with dim a of size one),
    scale = max|x| / 127; the zero point is absent from quantize then. An all-zero range gives scale 1.
  }];
  let arguments = (ins Qopt_AnyTensor:$x, OptionalAttr<I64Attr>:$token_axis);
  let results = (outs Qopt_AnyTensor:$scale, Qopt_AnyTensor:$zero_point);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Qopt_ObserveOp : Qopt_Op<"observe", [MemoryEffects<[MemWrite]>]> {
  let summary = "Feeds a tensor to the statistics of a site";
  let description = "`index` is the site's number in the module attribute `qopt.sites` (names in order).";
  let arguments = (ins Qopt_AnyTensor:$x, StrAttr:$site, I32Attr:$index);
  let assemblyFormat = "$x `,` $site `,` $index attr-dict `:` type($x)";
}

#endif
