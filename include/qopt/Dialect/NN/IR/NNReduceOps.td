// Reductions, normalizations, softmax, pooling.
#ifndef QOPT_DIALECT_NN_IR_NNREDUCEOPS
#define QOPT_DIALECT_NN_IR_NNREDUCEOPS

include "qopt/Dialect/NN/IR/NNBase.td"

// Marks the reductions over `axes`.
def NN_Reduction : NativeOpTrait<"Reduction"> {
  let cppNamespace = "::qopt::nn";
}

class NN_ReduceOp<string mnemonic, string what> : NN_PureOp<mnemonic, [NN_Reduction]> {
  let summary = what # " over `axes`; an empty list reduces nothing";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$axes, DefaultValuedAttr<BoolAttr, "true">:$keepdims);
  let results = (outs NN_AnyTensor:$y);
}

def NN_ReduceL1Op : NN_ReduceOp<"reduce_l1", "Sum of |x|">;
def NN_ReduceL2Op : NN_ReduceOp<"reduce_l2", "Square root of the sum of x^2">;
def NN_ReduceLogSumOp : NN_ReduceOp<"reduce_log_sum", "Logarithm of the sum">;
def NN_ReduceLogSumExpOp : NN_ReduceOp<"reduce_log_sum_exp", "Logarithm of the sum of e^x, without overflow">;
def NN_ReduceMaxOp : NN_ReduceOp<"reduce_max", "Maximum">;
def NN_ReduceMeanOp : NN_ReduceOp<"reduce_mean", "Mean">;
def NN_ReduceMinOp : NN_ReduceOp<"reduce_min", "Minimum">;
def NN_ReduceProdOp : NN_ReduceOp<"reduce_prod", "Product">;
def NN_ReduceSumOp : NN_ReduceOp<"reduce_sum", "Sum">;
def NN_ReduceSumSquareOp : NN_ReduceOp<"reduce_sum_square", "Sum of x^2">;

class NN_ArgOp<string mnemonic, string what> : NN_PureOp<mnemonic> {
  let summary = "Index of the " # what # " along `axis` (i64)";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "true">:$keepdims,
                       DefaultValuedAttr<BoolAttr, "false">:$select_last_index);
  let results = (outs NN_AnyTensor:$y);
}
def NN_ArgMaxOp : NN_ArgOp<"arg_max", "largest">;
def NN_ArgMinOp : NN_ArgOp<"arg_min", "smallest">;

class NN_SoftmaxLikeOp<string mnemonic, string what> : NN_PureOp<mnemonic> {
  let summary = what # " along `axis`";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$y);
}
def NN_SoftmaxOp : NN_SoftmaxLikeOp<"softmax", "e^(x - max) / sum e^(x - max)">;
def NN_LogSoftmaxOp : NN_SoftmaxLikeOp<"log_softmax", "Logarithm of the softmax">;
def NN_HardmaxOp : NN_SoftmaxLikeOp<"hardmax", "One at the first largest element, else zero,">;

def NN_CumSumOp : NN_PureOp<"cum_sum"> {
  let summary = "Running sum along `axis`";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "false">:$exclusive,
                       DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs NN_AnyTensor:$y);
}
def NN_TopKOp : NN_PureOp<"top_k"> {
  let summary = "The k largest (or smallest) elements along `axis` and their indices (i64)";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$k, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "true">:$largest,
                       DefaultValuedAttr<BoolAttr, "true">:$sorted);
  let results = (outs NN_AnyTensor:$values, NN_AnyTensor:$indices);
}

def NN_LayerNormalizationOp : NN_PureOp<"layer_normalization"> {
  let summary = "(x - mean) / sqrt(var + epsilon) * scale + bias over the dims from `axis` on";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$scale, Optional<NN_AnyTensor>:$bias, I64Attr:$axis, F32Attr:$epsilon);
  let results = (outs NN_AnyTensor:$y);
}
def NN_RMSNormalizationOp : NN_PureOp<"rms_normalization"> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * scale over the dims from `axis` on";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$scale, I64Attr:$axis, F32Attr:$epsilon);
  let results = (outs NN_AnyTensor:$y);
}
def NN_BatchNormalizationOp : NN_PureOp<"batch_normalization"> {
  let summary = "(x - mean) / sqrt(var + epsilon) * scale + bias per channel (dim 1), with given statistics";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$scale, NN_AnyTensor:$bias, NN_AnyTensor:$mean, NN_AnyTensor:$var,
                       F32Attr:$epsilon);
  let results = (outs NN_AnyTensor:$y);
}
def NN_InstanceNormalizationOp : NN_PureOp<"instance_normalization"> {
  let summary = "Normalization over the spatial dims of each sample and channel";
  let arguments = (ins NN_AnyTensor:$x, NN_AnyTensor:$scale, NN_AnyTensor:$bias, F32Attr:$epsilon);
  let results = (outs NN_AnyTensor:$y);
}
def NN_LRNOp : NN_PureOp<"lrn"> {
  let summary = "Local response normalization across channels";
  let arguments = (ins NN_AnyTensor:$x, F32Attr:$alpha, F32Attr:$beta, F32Attr:$bias, I64Attr:$size);
  let results = (outs NN_AnyTensor:$y);
}
def NN_LpNormalizationOp : NN_PureOp<"lp_normalization"> {
  let summary = "x over its p-norm (p 1 or 2) along `axis`";
  let arguments = (ins NN_AnyTensor:$x, I64Attr:$axis, I64Attr:$p);
  let results = (outs NN_AnyTensor:$y);
}

class NN_PoolOp<string mnemonic, string what> : NN_PureOp<mnemonic> {
  let summary = what # " over windows of the spatial dims; pads as in nn.conv";
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DefaultValuedAttr<BoolAttr, "false">:$ceil_mode,
                       DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, DefaultValuedAttr<StrAttr, "\"NCX\"">:$layout);
  let results = (outs NN_AnyTensor:$y);
}
def NN_MaxPoolOp : NN_PoolOp<"max_pool", "Maximum">;
def NN_MaxPoolIndicesOp : NN_PoolOp<"max_pool_indices", "Maximum and its flat index (i64; storage_order 1 is column major)"> {
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DefaultValuedAttr<BoolAttr, "false">:$ceil_mode,
                       DefaultValuedAttr<I64Attr, "0">:$storage_order);
  let results = (outs NN_AnyTensor:$y, NN_AnyTensor:$indices);
}
def NN_AveragePoolOp : NN_PoolOp<"average_pool", "Mean"> {
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DefaultValuedAttr<BoolAttr, "false">:$ceil_mode,
                       DefaultValuedAttr<BoolAttr, "false">:$count_include_pad,
                       DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, DefaultValuedAttr<StrAttr, "\"NCX\"">:$layout);
}
def NN_LpPoolOp : NN_PoolOp<"lp_pool", "p-norm"> {
  let arguments = (ins NN_AnyTensor:$x, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DefaultValuedAttr<BoolAttr, "false">:$ceil_mode,
                       DefaultValuedAttr<I64Attr, "2">:$p,
                       DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, DefaultValuedAttr<StrAttr, "\"NCX\"">:$layout);
}

#endif
