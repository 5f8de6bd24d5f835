// Ops of the quantized graph before legalization. Integer compute ops stand in QoptIntegerOps.td.
#ifndef QOPT_DIALECT_QOPT_IR_QOPTOPS
#define QOPT_DIALECT_QOPT_IR_QOPTOPS

include "qopt/Dialect/Qopt/IR/QoptIntegerOps.td"

// How scales lie over a tensor; shared by quantize and dequantize.
class Qopt_ScaledOp<string mnemonic> : Qopt_Op<mnemonic, [Pure]> {
  let hasVerifier = 1;
}

def Qopt_QuantizeOp : Qopt_ScaledOp<"quantize"> {
  let summary = "saturate(rne(x / scale) + zero_point)";
  let description = [{
    Scale and zero point are one of

    | granularity | shape | attributes |
    | --- | --- | --- |
    | per tensor | a scalar | |
    | per channel | a vector along `axis` | `axis` |
    | groups along a dim | x's rank; dim `axis` is ceil(dim / block_size) | `axis`, `block_size` |
    | boxes of any shape (2-D blocks) | x's rank; each dim is ceil(dim / block_shape[dim]) | `block_shape` |
    | per row, broadcast | x's rank; dims of size one serve all of x's | |

    The last block of a dim may be partial. No zero point means zero. Scales may be negative. They may be small floats themselves
    (`f8E8M0FNU`, `f8E4M3FN`: decoded, then used as f32); scales in two levels are the result of another `qopt.dequantize`.

    Codes are integers of 2 to 16 bits or MLIR's floats of 4 to 8 bits. Floats have no zero point: code = encode(x / scale), and where
    the scale is zero or NaN (a block of zeros, a block with a NaN) the code is zero. `saturate` false rounds what is out of an
    8-bit float's range to infinity or NaN as ONNX says.

    ```mlir
    %q = qopt.quantize %x, %s, %z : (tensor<?x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x4xui8>
    %m = qopt.quantize %y, %e {axis = 1 : i64, block_size = 32 : i64}
      : (tensor<?x64xf32>, tensor<?x2xf8E8M0FNU>) -> tensor<?x64xf4E2M1FN>
    ```
  }];
  let arguments = (ins Qopt_AnyTensor:$x, Qopt_AnyTensor:$scale, Optional<Qopt_AnyTensor>:$zero_point,
                       OptionalAttr<I64Attr>:$axis, OptionalAttr<I64Attr>:$block_size,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate, OptionalAttr<DenseI64ArrayAttr>:$block_shape);
  let builders = [OpBuilder<(ins "::mlir::Type":$q, "::mlir::Value":$x, "::mlir::Value":$scale, "::mlir::Value":$zero_point,
                               "::mlir::IntegerAttr":$axis, "::mlir::IntegerAttr":$block_size), [{
    build($_builder, $_state, q, x, scale, zero_point, axis, block_size, $_builder.getBoolAttr(true), ::mlir::DenseI64ArrayAttr());
  }]>];
  let results = (outs Qopt_AnyTensor:$q);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Qopt_DequantizeOp : Qopt_ScaledOp<"dequantize"> {
  let summary = "(q - zero_point) * scale; scale and zero point as in qopt.quantize";
  let description = [{
    Codes may be f32 numbers as well: what `qopt.lookup` made of codes that stand for entries of a table (NF4). Zero points beside
    integer codes may be f32, and then need not be whole; the difference is rounded to f32 once.

    ```mlir
    // NVFP4: E4M3 scales of blocks of 16 under one float for the tensor.
    %s = qopt.dequantize %codes, %outer : (tensor<4x64xf8E4M3FN>, tensor<f32>) -> tensor<4x64xf32>
    %w = qopt.dequantize %q, %s {axis = 0 : i64, block_size = 16 : i64}
      : (tensor<64x64xf4E2M1FN>, tensor<4x64xf32>) -> tensor<64x64xf32>
    ```
  }];
  let arguments = (ins Qopt_AnyTensor:$q, Qopt_AnyTensor:$scale, Optional<Qopt_AnyTensor>:$zero_point,
                       OptionalAttr<I64Attr>:$axis, OptionalAttr<I64Attr>:$block_size,
                       OptionalAttr<DenseI64ArrayAttr>:$block_shape);
  let builders = [OpBuilder<(ins "::mlir::Type":$x, "::mlir::Value":$q, "::mlir::Value":$scale, "::mlir::Value":$zero_point,
                               "::mlir::IntegerAttr":$axis, "::mlir::IntegerAttr":$block_size), [{
    build($_builder, $_state, x, q, scale, zero_point, axis, block_size, ::mlir::DenseI64ArrayAttr());
  }]>];
  let results = (outs Qopt_AnyTensor:$x);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Qopt_DynamicParamsOp : Qopt_Op<"dynamic_params", [Pure]> {
  let summary = "Scale and zero point from the range of the tensor itself, at run time";
  let description = [{
    ONNX's DynamicQuantizeLinear: one scalar pair for the tensor (ui8, the range extended to hold zero). An all-zero range gives scale 1.
    Symmetric scales, of tokens too, are made by qopt.dynamic_scale.
  }];
  let arguments = (ins Qopt_AnyTensor:$x);
  let results = (outs Qopt_AnyTensor:$scale, Qopt_AnyTensor:$zero_point);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Qopt_DynamicScaleOp : Qopt_Op<"dynamic_scale", [Pure]> {
  let summary = "Symmetric scales from the tensor's own magnitudes, at run time: max|x| / top";
  let description = [{
    One scale for each group of `block_size` elements along `axis` (the last may be partial; a block of the whole dim is a scale per
    token), or one for the tensor without both. `top` is the greatest code's magnitude (127 for i8, 448 for f8E4M3FN, 6 for f4E2M1FN). How the
    scale is made depends on the element type that it is stored as:

    - `f32`: max|x| / top, at least the least normal float; 1 for a group of zeros. NaN in a group makes its scale NaN. The scale of a
      whole tensor looks at its finite values only.
    - `f8E8M0FNU`: 2^(floor(log2(max|x|)) - floor(log2(top))), as OCP Microscaling 1.0, section 6.3 has it; NaN where the group holds one.
    - `f8E4M3FN`: encode(max|x| / top / outer), the block scales of NVFP4; `outer` is the f32 scale of the tensor.

    ```mlir
    %s = qopt.dynamic_scale %x {axis = 1 : i64, block_size = 32 : i64, top = 6.0 : f32} : (tensor<?x64xf32>) -> tensor<?x2xf8E8M0FNU>
    ```
  }];
  let arguments = (ins Qopt_AnyTensor:$x, Optional<Qopt_AnyTensor>:$outer, F32Attr:$top, OptionalAttr<I64Attr>:$axis,
                       OptionalAttr<I64Attr>:$block_size);
  let results = (outs Qopt_AnyTensor:$scale);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Qopt_ObserveOp : Qopt_Op<"observe", [MemoryEffects<[MemWrite]>]> {
  let summary = "Feeds a tensor to the statistics of a site";
  let description = "`index` is the site's number in the module attribute `qopt.sites` (names in order).";
  let arguments = (ins Qopt_AnyTensor:$x, StrAttr:$site, I32Attr:$index);
  let assemblyFormat = "$x `,` $site `,` $index attr-dict `:` type($x)";
}

#endif
