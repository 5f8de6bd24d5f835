// Elementwise ops: one result element depends on one element of each (broadcast) operand.
#ifndef QOPT_DIALECT_NN_IR_NNELEMENTWISEOPS
#define QOPT_DIALECT_NN_IR_NNELEMENTWISEOPS

include "qopt/Dialect/NN/IR/NNBase.td"

// Marks ops that map elements independently; operands broadcast as in numpy.
def NN_Elementwise : NativeOpTrait<"Elementwise"> {
  let cppNamespace = "::qopt::nn";
}

class NN_UnaryOp<string mnemonic, string formula, list<Trait> traits = []>
    : NN_PureOp<mnemonic, !listconcat([NN_Elementwise], traits)> {
  let summary = "Elementwise " # formula;
  let arguments = (ins NN_AnyTensor:$x);
  let results = (outs NN_AnyTensor:$y);
}

class NN_BinaryOp<string mnemonic, string formula, list<Trait> traits = []>
    : NN_PureOp<mnemonic, !listconcat([NN_Elementwise], traits)> {
  let summary = "Elementwise " # formula # ", operands broadcast";
  let arguments = (ins NN_AnyTensor:$a, NN_AnyTensor:$b);
  let results = (outs NN_AnyTensor:$c);
}

def NN_AbsOp : NN_UnaryOp<"abs", "|x|">;
def NN_AcosOp : NN_UnaryOp<"acos", "arccosine">;
def NN_AcoshOp : NN_UnaryOp<"acosh", "inverse hyperbolic cosine">;
def NN_AsinOp : NN_UnaryOp<"asin", "arcsine">;
def NN_AsinhOp : NN_UnaryOp<"asinh", "inverse hyperbolic sine">;
def NN_AtanOp : NN_UnaryOp<"atan", "arctangent">;
def NN_AtanhOp : NN_UnaryOp<"atanh", "inverse hyperbolic tangent">;
def NN_BitwiseNotOp : NN_UnaryOp<"bitwise_not", "bitwise not">;
def NN_CeilOp : NN_UnaryOp<"ceil", "ceiling">;
def NN_CosOp : NN_UnaryOp<"cos", "cosine">;
def NN_CoshOp : NN_UnaryOp<"cosh", "hyperbolic cosine">;
def NN_ErfOp : NN_UnaryOp<"erf", "error function">;
def NN_ExpOp : NN_UnaryOp<"exp", "e^x">;
def NN_FloorOp : NN_UnaryOp<"floor", "floor">;
def NN_HardSwishOp : NN_UnaryOp<"hard_swish", "x * max(0, min(1, x/6 + 1/2))">;
def NN_IsNaNOp : NN_UnaryOp<"is_nan", "x is NaN">;
def NN_LogOp : NN_UnaryOp<"log", "natural logarithm">;
def NN_MishOp : NN_UnaryOp<"mish", "x * tanh(softplus(x))">;
def NN_NegOp : NN_UnaryOp<"neg", "-x">;
def NN_NotOp : NN_UnaryOp<"not", "logical not">;
def NN_ReciprocalOp : NN_UnaryOp<"reciprocal", "1/x">;
def NN_ReluOp : NN_UnaryOp<"relu", "max(0, x)">;
def NN_RoundOp : NN_UnaryOp<"round", "rounding to nearest, ties to even">;
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", "1 / (1 + e^-x)">;
def NN_SignOp : NN_UnaryOp<"sign", "sign (-1, 0, 1)">;
def NN_SinOp : NN_UnaryOp<"sin", "sine">;
def NN_SinhOp : NN_UnaryOp<"sinh", "hyperbolic sine">;
def NN_SoftplusOp : NN_UnaryOp<"softplus", "log(1 + e^x)">;
def NN_SoftsignOp : NN_UnaryOp<"softsign", "x / (1 + |x|)">;
def NN_SqrtOp : NN_UnaryOp<"sqrt", "square root">;
def NN_TanOp : NN_UnaryOp<"tan", "tangent">;
def NN_TanhOp : NN_UnaryOp<"tanh", "hyperbolic tangent">;

def NN_CeluOp : NN_UnaryOp<"celu", "max(0, x) + min(0, alpha * (e^(x/alpha) - 1))"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}
def NN_EluOp : NN_UnaryOp<"elu", "x for x >= 0, else alpha * (e^x - 1)"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}
def NN_SeluOp : NN_UnaryOp<"selu", "gamma * (x for x > 0, else alpha * (e^x - 1))"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "1.67326319217681884765625f">:$alpha,
                       DefaultValuedAttr<F32Attr, "1.05070102214813232421875f">:$gamma);
}
def NN_GeluOp : NN_UnaryOp<"gelu", "x * Phi(x); approximate is `none` (erf) or `tanh`"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<StrAttr, "\"none\"">:$approximate);
}
def NN_HardSigmoidOp : NN_UnaryOp<"hard_sigmoid", "max(0, min(1, alpha * x + beta))"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "0.2f">:$alpha, DefaultValuedAttr<F32Attr, "0.5f">:$beta);
}
def NN_IsInfOp : NN_UnaryOp<"is_inf", "x is infinite, of the signs asked for"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<BoolAttr, "true">:$detect_negative,
                       DefaultValuedAttr<BoolAttr, "true">:$detect_positive);
}
def NN_LeakyReluOp : NN_UnaryOp<"leaky_relu", "x for x >= 0, else alpha * x"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "0.01f">:$alpha);
}
def NN_ShrinkOp : NN_UnaryOp<"shrink", "x + bias below -lambd, x - bias above lambd, else 0"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "0.0f">:$bias, DefaultValuedAttr<F32Attr, "0.5f">:$lambd);
}
def NN_SwishOp : NN_UnaryOp<"swish", "x * sigmoid(alpha * x); SiLU for alpha 1"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}
def NN_ThresholdedReluOp : NN_UnaryOp<"thresholded_relu", "x above alpha, else 0"> {
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<F32Attr, "1.0f">:$alpha);
}
def NN_CastOp : NN_UnaryOp<"cast", "conversion to the result's element type"> {
  let description = [{
    Float to float rounds to nearest even; float to integer truncates toward zero; anything to `i1` is `x != 0`. For 8-bit
    floats `saturate` chooses the largest finite value over infinity or NaN, and `round_mode` ("up", "down", "nearest")
    holds for float8e8m0 only.
  }];
  let arguments = (ins NN_AnyTensor:$x, DefaultValuedAttr<BoolAttr, "true">:$saturate,
                       DefaultValuedAttr<StrAttr, "\"up\"">:$round_mode);
}
def NN_BitCastOp : NN_UnaryOp<"bit_cast", "reinterpretation of the same bits as another type of the same width">;

def NN_AddOp : NN_BinaryOp<"add", "a + b", [Commutative]>;
def NN_AndOp : NN_BinaryOp<"and", "logical and", [Commutative]>;
def NN_BitwiseAndOp : NN_BinaryOp<"bitwise_and", "bitwise and", [Commutative]>;
def NN_BitwiseOrOp : NN_BinaryOp<"bitwise_or", "bitwise or", [Commutative]>;
def NN_BitwiseXorOp : NN_BinaryOp<"bitwise_xor", "bitwise exclusive or", [Commutative]>;
def NN_DivOp : NN_BinaryOp<"div", "a / b (integers: toward zero)">;
def NN_EqualOp : NN_BinaryOp<"equal", "a == b", [Commutative]>;
def NN_GreaterOp : NN_BinaryOp<"greater", "a > b">;
def NN_GreaterOrEqualOp : NN_BinaryOp<"greater_or_equal", "a >= b">;
def NN_LessOp : NN_BinaryOp<"less", "a < b">;
def NN_LessOrEqualOp : NN_BinaryOp<"less_or_equal", "a <= b">;
def NN_MaxOp : NN_BinaryOp<"max", "maximum (NaN wins)", [Commutative]>;
def NN_MinOp : NN_BinaryOp<"min", "minimum (NaN wins)", [Commutative]>;
def NN_MulOp : NN_BinaryOp<"mul", "a * b", [Commutative]>;
def NN_OrOp : NN_BinaryOp<"or", "logical or", [Commutative]>;
def NN_PowOp : NN_BinaryOp<"pow", "a^b, of a's type">;
def NN_PReluOp : NN_BinaryOp<"prelu", "a for a >= 0, else b * a">;
def NN_SubOp : NN_BinaryOp<"sub", "a - b">;
def NN_XorOp : NN_BinaryOp<"xor", "logical exclusive or", [Commutative]>;
def NN_BitShiftOp : NN_BinaryOp<"bit_shift", "a shifted by b; direction is `LEFT` or `RIGHT`"> {
  let arguments = (ins NN_AnyTensor:$a, NN_AnyTensor:$b, StrAttr:$direction);
}
def NN_ModOp : NN_BinaryOp<"mod", "remainder; of the divisor's sign, or with fmod of the dividend's"> {
  let arguments = (ins NN_AnyTensor:$a, NN_AnyTensor:$b, DefaultValuedAttr<BoolAttr, "false">:$fmod);
}

def NN_WhereOp : NN_PureOp<"where", [NN_Elementwise]> {
  let summary = "Elementwise choice of x or y by a boolean condition; all three broadcast";
  let arguments = (ins NN_AnyTensor:$condition, NN_AnyTensor:$x, NN_AnyTensor:$y);
  let results = (outs NN_AnyTensor:$z);
}

def NN_ClipOp : NN_SegmentedOp<"clip", [NN_Elementwise]> {
  let summary = "Elementwise min(max(x, low), high); a bound that is absent does not bind";
  let arguments = (ins NN_AnyTensor:$x, Optional<NN_AnyTensor>:$low, Optional<NN_AnyTensor>:$high);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$x (`low` $low^)? (`high` $high^)? attr-dict `:` functional-type(operands, results)";
}

#endif
