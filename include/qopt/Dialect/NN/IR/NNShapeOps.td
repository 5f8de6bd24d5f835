// Ops that move, select or create elements without computing on them.
#ifndef QOPT_DIALECT_NN_IR_NNSHAPEOPS
#define QOPT_DIALECT_NN_IR_NNSHAPEOPS

include "qopt/Dialect/NN/IR/NNBase.td"

def NN_ConstantOp : NN_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A weight or another constant tensor";
  let description = [{
    ```mlir
    %w = nn.constant dense<1.0> : tensor<3xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_AnyTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::ElementsAttr":$value), [{
    build($_builder, $_state, value.getType(), value);
  }]>];
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def NN_ReshapeOp : NN_PureOp<"reshape"> {
  let summary = "The same elements in another shape; -1 is inferred, 0 copies the input's dim unless allowzero";
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$shape, DefaultValuedAttr<BoolAttr, "false">:$allowzero);
  let results = (outs NN_AnyTensor:$y);
}
def NN_FlattenOp : NN_PureOp<"flatten"> {
  let summary = "A matrix of the dims before `axis` by the dims from it on";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
}
def NN_TransposeOp : NN_PureOp<"transpose"> {
  let summary = "Result dim i is the input's dim perm[i]";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$perm);
  let results = (outs NN_AnyTensor:$y);
  let hasVerifier = 1;
}
def NN_SqueezeOp : NN_PureOp<"squeeze"> {
  let summary = "Drops the dims `axes`, which are of size one";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs NN_AnyTensor:$y);
}
def NN_UnsqueezeOp : NN_PureOp<"unsqueeze"> {
  let summary = "Inserts dims of size one so that they stand at `axes` of the result";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ConcatOp : NN_PureOp<"concat"> {
  let summary = "Joins tensors along `axis`";
  let arguments = (ins Variadic<NN_AnyTensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
  let hasVerifier = 1;
}
def NN_SplitOp : NN_PureOp<"split"> {
  let summary = "Cuts along `axis` into pieces of the given sizes, or, without sizes, into equal ones (the last may be smaller)";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$axis, OptionalAttr<DenseI64ArrayAttr>:$split);
  let results = (outs Variadic<NN_AnyTensor>:$ys);
}
def NN_SliceOp : NN_PureOp<"slice"> {
  let summary = "data[starts:ends:steps] along `axes`, with numpy's clamping";
  let description = [{
    `starts` and `ends` are 1-D i64 tensors as long as `axes`; `axes` and `steps` are static.
  }];
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$starts, NN_AnyTensor:$ends, DenseI64ArrayAttr:$axes,
                       DenseI64ArrayAttr:$steps);
  let results = (outs NN_AnyTensor:$y);
}
def NN_PadOp : NN_PureOp<"pad"> {
  let summary = "Pads (or, for negative pads, crops); mode is constant, reflect, edge or wrap";
  let description = "`pads` is a 1-D i64 tensor: the begins of all dims, then the ends. `value` is a scalar (default 0).";
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$pads, Optional<NN_AnyTensor>:$value,
                       DefaultValuedAttr<StrAttr, "\"constant\"">:$mode);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ExpandOp : NN_PureOp<"expand"> {
  let summary = "Broadcasts to `shape` (in both directions)";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$shape);
  let results = (outs NN_AnyTensor:$y);
}
def NN_TileOp : NN_PureOp<"tile"> {
  let summary = "Repeats each dim";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$repeats);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ShapeOp : NN_PureOp<"shape"> {
  let summary = "The dims from `start` to `end` as a 1-D i64 tensor (bounds already resolved)";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$start, I64Attr:$end);
  let results = (outs NN_AnyTensor:$y);
}
def NN_SizeOp : NN_PureOp<"size"> {
  let summary = "The number of elements";
  let arguments = (ins NN_AnyTensor:$x);
  let results = (outs NN_AnyTensor:$y);
}
def NN_RangeOp : NN_PureOp<"range"> {
  let summary = "start, start + delta, … below limit";
  let arguments = (ins NN_AnyTensor:$start, NN_AnyTensor:$limit, NN_AnyTensor:$delta);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ConstantOfShapeOp : NN_PureOp<"constant_of_shape"> {
  let summary = "A tensor of the given shape filled with one value";
  let arguments = (ins NN_AnyTensor:$shape, ElementsAttr:$value);
  let results = (outs NN_AnyTensor:$y);
}
def NN_EyeLikeOp : NN_PureOp<"eye_like"> {
  let summary = "Ones on diagonal k of a matrix shaped like x";
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<I64Attr, "0">:$k);
  let results = (outs NN_AnyTensor:$y);
}
def NN_OneHotOp : NN_PureOp<"one_hot"> {
  let summary = "values[1] at the indices, values[0] elsewhere, along a new `axis` of size depth";
  let arguments = (ins NN_AnyTensor:$indices, NN_AnyTensor:$depth, NN_AnyTensor:$values, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
}
def NN_TriluOp : NN_PureOp<"trilu"> {
  let summary = "The upper or lower triangle of each matrix, zero elsewhere; k moves the diagonal";
  let arguments = (ins NN_AnyTensor:$x, Optional<NN_AnyTensor>:$k, DefaultValuedAttr<BoolAttr, "true">:$upper);
  let results = (outs NN_AnyTensor:$y);
}
def NN_GatherOp : NN_PureOp<"gather"> {
  let summary = "Slices of data along `axis` by index (negative ones count from the end; out of range is a run-time error)";
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$indices, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
}
def NN_GatherElementsOp : NN_PureOp<"gather_elements"> {
  let summary = "Elements of data along `axis` by an index tensor of the result's shape";
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$indices, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
}
def NN_GatherNDOp : NN_PureOp<"gather_nd"> {
  let summary = "Slices of data by index tuples";
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ScatterElementsOp : NN_PureOp<"scatter_elements"> {
  let summary = "data with elements along `axis` replaced, or combined by `reduction` (none, add, mul, max, min)";
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$indices, NN_AnyTensor:$updates, I64Attr:$axis,
                       DefaultValuedAttr<StrAttr, "\"none\"">:$reduction);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ScatterNDOp : NN_PureOp<"scatter_nd"> {
  let summary = "data with slices at index tuples replaced, or combined by `reduction`";
  let arguments = (ins NN_AnyTensor:$data, NN_AnyTensor:$indices, NN_AnyTensor:$updates,
                       DefaultValuedAttr<StrAttr, "\"none\"">:$reduction);
  let results = (outs NN_AnyTensor:$y);
}
def NN_NonZeroOp : NN_PureOp<"non_zero"> {
  let summary = "Indices of the elements that are not zero, rank×count (i64)";
  let arguments = (ins NN_AnyTensor:$x);
  let results = (outs NN_AnyTensor:$y);
}
def NN_CompressOp : NN_PureOp<"compress"> {
  let summary = "The slices along `axis` (or, without it, the flattened elements) whose condition is true";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$condition, OptionalAttr<I64Attr>:$axis);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ReverseSequenceOp : NN_PureOp<"reverse_sequence"> {
  let summary = "Reverses the first sequence_lens[b] elements along time_axis of each batch entry";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$sequence_lens, I64Attr:$batch_axis, I64Attr:$time_axis);
  let results = (outs NN_AnyTensor:$y);
}
def NN_DepthToSpaceOp : NN_PureOp<"depth_to_space"> {
  let summary = "Moves blocks of channels into the spatial dims; mode is DCR or CRD";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$blocksize, DefaultValuedAttr<StrAttr, "\"DCR\"">:$mode);
  let results = (outs NN_AnyTensor:$y);
}
def NN_SpaceToDepthOp : NN_PureOp<"space_to_depth"> {
  let summary = "Moves spatial blocks into channels";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$blocksize);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ResizeOp : NN_SegmentedOp<"resize"> {
  let summary = "Interpolated resampling; exactly one of `scales` and `sizes` is given, over `axes`";
  let arguments = (ins NN_AnyTensor:$x, Optional<NN_AnyTensor>:$roi, Optional<NN_AnyTensor>:$scales,
                       Optional<NN_AnyTensor>:$sizes, DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<StrAttr, "\"nearest\"">:$mode,
                       DefaultValuedAttr<StrAttr, "\"half_pixel\"">:$coordinate_transformation_mode,
                       DefaultValuedAttr<StrAttr, "\"round_prefer_floor\"">:$nearest_mode,
                       DefaultValuedAttr<F32Attr, "-0.75f">:$cubic_coeff_a,
                       DefaultValuedAttr<BoolAttr, "false">:$exclude_outside,
                       DefaultValuedAttr<F32Attr, "0.0f">:$extrapolation_value,
                       DefaultValuedAttr<BoolAttr, "false">:$antialias,
                       DefaultValuedAttr<StrAttr, "\"stretch\"">:$keep_aspect_ratio_policy);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = [{
    $x (`roi` $roi^)? (`scales` $scales^)? (`sizes` $sizes^)? attr-dict `:` functional-type(operands, results)
  }];
}

#endif
