"""Small functions of nn ops, each with what it computes in numpy; `<a>` in the text is the type of the value %a."""
import dataclasses
import math
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass
class Case:
    types: dict  # of values by name: a shape, "?" for dims that the type leaves open, and an element type where it is not f32
    text: str
    reference: Callable  # of the arguments in `sizes`, in float64; gives %y
    sizes: dict  # of the arguments
    positive: str = ""  # arguments that are positive
    factors: dict = dataclasses.field(default_factory=dict)  # of arguments that are not of size one
    fixed: dict = dataclasses.field(default_factory=dict)  # arguments that no gradient is asked for
    gradients: Callable | None = None  # of the weights of y's elements and the arguments, where differences are not what is wanted

    def values(self):
        rng = np.random.default_rng(3)
        made = {name: (rng.standard_normal(size) * self.factors.get(name, 1)).astype(np.float32) for name, size in self.sizes.items()}
        return made | {name: np.abs(made[name]) + 0.5 for name in self.positive.split()} | self.fixed


CASES = {}


def case(name, types, text, reference, sizes, **more):
    CASES[name] = Case(types, text, reference, sizes, **more)


def constant(values, element):
    """An nn.constant that holds the values."""
    values = np.asarray(values)
    listing = np.array2string(values, separator=", ", threshold=10**6, formatter={"float": "{:e}".format}).replace("\n", "")
    return f'nn.constant dense<{listing}> : tensor<{"".join(f"{d}x" for d in values.shape)}{element}>'


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rms(x, scale, axis=-1, epsilon=1e-5):
    axes = tuple(range(axis % x.ndim, x.ndim))
    return x / np.sqrt((x**2).mean(axes, keepdims=True) + epsilon) * scale


def spread_over(shape, parameter, axis, block):
    """Parameters of groups along an axis, one for each element of a tensor of this shape."""
    return np.repeat(parameter, block, axis).take(range(shape[axis]), axis)


# ---- elementwise ----

for op, function in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}.items():
    case(op, {"a": "2x3", "b": "2x3", "y": "2x3"}, f"%y = nn.{op} %a, %b : (<a>, <b>) -> <y>", function, {"a": (2, 3), "b": (2, 3)}, positive="b")
    case(f"{op}_broadcast", {"a": "?x3x?", "b": "3x1", "y": "?x3x?"}, f"%y = nn.{op} %a, %b : (<a>, <b>) -> <y>", function,
         {"a": (2, 3, 5), "b": (3, 1)}, positive="b")
    case(f"{op}_both_broadcast", {"a": "1x5", "b": "3x1", "y": "3x5"}, f"%y = nn.{op} %a, %b : (<a>, <b>) -> <y>", function,
         {"a": (1, 5), "b": (3, 1)}, positive="b")
    case(f"{op}_same", {"a": "7", "y": "7"}, f"%y = nn.{op} %a, %a : (<a>, <a>) -> <y>", lambda a, f=function: f(a, a), {"a": (7,)}, positive="a")
case("several_uses", {"a": "?x3", "b": "f32", "u": "?x3", "v": "?x3", "y": "?x3"},
     "%u = nn.mul %a, %b : (<a>, <b>) -> <u>\n%v = nn.add %u, %a : (<u>, <a>) -> <v>\n%y = nn.mul %v, %u : (<v>, <u>) -> <y>",
     lambda a, b: (a * b + a) * (a * b), {"a": (4, 3), "b": ()})
case("without_path", {"a": "?x3", "b": "?x2", "y": "?x3"}, "%y = nn.exp %a : (<a>) -> <y>", lambda a, b: np.exp(a), {"a": (4, 3), "b": (4, 2)})
UNARY = {"neg": np.negative, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "sigmoid": sigmoid, "swish": lambda x: x * sigmoid(x)}
for op, function in UNARY.items():
    case(op, {"a": "?x5", "y": "?x5"}, f"%y = nn.{op} %a : (<a>) -> <y>", function, {"a": (3, 5)},
         positive="a" if op in ("log", "sqrt") else "")
case("swish_alpha", {"a": "9", "y": "9"}, "%y = nn.swish %a {alpha = 1.5 : f32} : (<a>) -> <y>", lambda a: a * sigmoid(1.5 * a), {"a": (9,)})
case("cast", {"a": "9", "d": "9xf64", "e": "9xf64", "y": "9"},
     "%d = nn.cast %a : (<a>) -> <d>\n%e = nn.mul %d, %d : (<d>, <d>) -> <e>\n%y = nn.cast %e : (<e>) -> <y>", lambda a: a * a, {"a": (9,)})

# ---- products ----

for name, a, b, sizes in [("matrices", "?x7", "7x5", {"a": (3, 7), "b": (7, 5)}),
                          ("rows", "?x?x7", "7x5", {"a": (2, 3, 7), "b": (7, 5)}),
                          ("open_depth", "2x3x?", "?x5", {"a": (2, 3, 7), "b": (7, 5)}),
                          ("batches", "?x3x?x6", "?x3x6x?", {"a": (2, 3, 5, 6), "b": (2, 3, 6, 4)}),
                          ("broadcast", "?x3x?x6", "1x6x?", {"a": (2, 3, 5, 6), "b": (1, 6, 4)})]:
    y = np.broadcast_shapes(sizes["a"][:-2], sizes["b"][:-2]) + (sizes["a"][-2], sizes["b"][-1])
    case(f"matmul_{name}", {"a": a, "b": b, "y": "x".join("?" * len(y))}, "%y = nn.matmul %a, %b : (<a>, <b>) -> <y>", np.matmul, sizes)
WEIGHT = np.random.default_rng(8).standard_normal((7, 5)).astype(np.float32)
case("matmul_constant", {"a": "?x?x7", "w": "7x5", "y": "?x?x5"}, f'%w = {constant(WEIGHT, "f32")}\n%y = nn.matmul %a, %w : (<a>, <w>) -> <y>',
     lambda a: a @ WEIGHT.astype(np.float64), {"a": (2, 3, 7)})
case("matmul_transposed", {"a": "?x4x6", "b": "?x5x6", "t": "?x6x5", "y": "?x4x5"},
     "%t = nn.transpose %b {perm = array<i64: 0, 2, 1>} : (<b>) -> <t>\n%y = nn.matmul %a, %t : (<a>, <t>) -> <y>",
     lambda a, b: a @ b.swapaxes(1, 2), {"a": (2, 4, 6), "b": (2, 5, 6)})

# ---- moves ----

case("reshape", {"a": "?x?x6", "s": "4xi64", "y": "?x?x2x3"},
     f'%s = {constant([0, 0, 2, 3], "i64")}\n%y = nn.reshape %a, %s : (<a>, <s>) -> <y>', lambda a: a.reshape(*a.shape[:2], 2, 3), {"a": (4, 5, 6)})
case("transpose", {"a": "?x3x4", "y": "4x?x3"}, "%y = nn.transpose %a {perm = array<i64: 2, 0, 1>} : (<a>) -> <y>",
     lambda a: a.transpose(2, 0, 1), {"a": (2, 3, 4)})
case("slice", {"a": "?x7x5", "s": "2xi64", "e": "2xi64", "y": "?x?x?"},
     f'%s = {constant([2, -4], "i64")}\n%e = {constant([6, 99], "i64")}\n'
     "%y = nn.slice %a, %s, %e {axes = array<i64: 1, 2>, steps = array<i64: 1, 1>} : (<a>, <s>, <e>) -> <y>",
     lambda a: a[:, 2:6, -4:], {"a": (2, 7, 5)})
case("concat", {"a": "?x3", "b": "?x4", "y": "?x10"}, "%y = nn.concat %a, %b, %a {axis = 1 : i64} : (<a>, <b>, <a>) -> <y>",
     lambda a, b: np.concatenate([a, b, a], 1), {"a": (2, 3), "b": (2, 4)})
for name, indices in {"repeats": [0, 0, 0, 1, 1, 1], "identity": [0, 1], "others": [1, 1, 0, -1, 0], "one": 1, "table": [[0, 1, 1], [1, 1, 0]]}.items():
    shape = np.shape(indices)
    case(f"gather_{name}", {"a": "?x2x?x3", "i": "".join(f"{d}x" for d in shape) + "i64", "y": "x".join(["?", *map(str, shape), "?", "3"])},
         f'%i = {constant(indices, "i64")}\n%y = nn.gather %a, %i {{axis = 1 : i64}} : (<a>, <i>) -> <y>',
         lambda a, i=indices: np.take(a, i, 1), {"a": (2, 2, 5, 3)})

# ---- reductions and normalizations ----

def sum_square(x, axes, keepdims=False):
    return (x**2).sum(axes, keepdims=keepdims)


def norm(x, axes, keepdims=False):
    return np.sqrt(sum_square(x, axes, keepdims))


for op, function in {"reduce_sum": np.sum, "reduce_mean": np.mean, "reduce_sum_square": sum_square, "reduce_l2": norm}.items():
    for name, shape in {"open": "?x?x5", "known": "3x4x5"}.items():
        open_ = "?" in shape
        case(f"{op}_{name}", {"a": shape, "y": "?x1x5" if open_ else "3x1x5"}, f"%y = nn.{op} %a {{axes = array<i64: 1>}} : (<a>) -> <y>",
             lambda a, f=function: f(a, 1, keepdims=True), {"a": (3, 4, 5)})
        case(f"{op}_dropped_{name}", {"a": shape, "y": "?" if open_ else "4"},
             f"%y = nn.{op} %a {{axes = array<i64: 2, 0>, keepdims = false}} : (<a>) -> <y>", lambda a, f=function: f(a, (0, 2)), {"a": (3, 4, 5)})
case("softmax", {"a": "?x?x3", "y": "?x?x3"}, "%y = nn.softmax %a {axis = 1 : i64} : (<a>) -> <y>", lambda a: softmax(a, 1), {"a": (2, 5, 3)})
case("log_softmax", {"a": "?x?x3", "y": "?x?x3"}, "%y = nn.log_softmax %a {axis = 2 : i64} : (<a>) -> <y>", lambda a: np.log(softmax(a)), {"a": (2, 5, 3)})
case("rms_normalization", {"a": "?x?x7", "b": "7", "y": "?x?x7"},
     "%y = nn.rms_normalization %a, %b {axis = 2 : i64, epsilon = 1.0e-2 : f32} : (<a>, <b>) -> <y>",
     lambda a, b: rms(a, b, epsilon=1e-2), {"a": (2, 3, 7), "b": (7,)})
case("rms_normalization_of_two_dims", {"a": "?x4x5", "b": "4x5", "y": "?x4x5"},
     "%y = nn.rms_normalization %a, %b {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (<a>, <b>) -> <y>", lambda a, b: rms(a, b, 1), {"a": (3, 4, 5), "b": (4, 5)})

# ---- scales of codes ----

CODES = np.random.default_rng(4).integers(0, 16, (10, 6))


def spread(parameter, axis, block):
    """The parameter of each code."""
    if axis is None or np.ndim(parameter) == 0:
        return parameter
    if not block:
        return np.expand_dims(parameter, 1 - axis)
    return spread_over(CODES.shape, parameter, axis, block)


for name, axis, block, shape in [("tensor", None, None, ()), ("rows", 0, None, (10,)), ("channels", 1, None, (6,)), ("kept", None, None, (1, 6)),
                                 ("groups", 0, 5, (2, 6)), ("partial_group", 0, 4, (3, 6)), ("groups_along_1", 1, 3, (10, 2)),
                                 ("partial_group_along_1", 1, 4, (10, 2))]:
    attributes = ", ".join([f"axis = {axis} : i64"] * (axis is not None) + [f"block_size = {block} : i64"] * bool(block))
    for kind, element in [("", ""), ("_integer_zeros", "ui4"), ("_float_zeros", "f32")]:
        zeros = np.random.default_rng(5).integers(3, 12, shape) if element == "ui4" else np.random.default_rng(5).uniform(3, 12, shape).astype(np.float32)
        text = f'%q = {constant(CODES, "ui4")}\n' + (f"%z = {constant(zeros, element)}\n" if element else "")
        operands = "%q, %a, %z" if element else "%q, %a"
        dims = "".join(f"{d}x" for d in shape)
        types = "<q>, <a>, <z>" if element else "<q>, <a>"
        case(f"scale_of_{name}{kind}", {"a": dims + "f32", "q": "10x6xui4", "z": dims + element, "y": "10x6"},
             f"{text}%y = qopt.dequantize {operands} {{{attributes}}} : ({types}) -> <y>",
             lambda a, z=zeros if element else 0, at=axis, n=block: (CODES - spread(z, at, n)) * spread(a, at, n), {"a": shape})

# ---- activation functions and choices ----

erf = np.vectorize(math.erf)
ACTIVATIONS = {
    "gelu": ("nn.gelu %a", lambda x: x * (1 + erf(x / 2**0.5)) / 2),
    "gelu_tanh": ('nn.gelu %a {approximate = "tanh"}', lambda x: x * (1 + np.tanh((2 / np.pi)**0.5 * (x + 0.044715 * x**3))) / 2),
    "erf": ("nn.erf %a", erf),
    "tanh": ("nn.tanh %a", np.tanh),
    "relu": ("nn.relu %a", lambda x: np.maximum(x, 0)),
    "reciprocal": ("nn.reciprocal %a", lambda x: 1 / x),
}
for name, (op, function) in ACTIVATIONS.items():
    case(name, {"a": "?x5", "y": "?x5"}, f"%y = {op} : (<a>) -> <y>", function, {"a": (3, 5)}, positive="a" if name == "reciprocal" else "")
for name, exponent, element in [("square", 2.0, "f32"), ("root", -0.5, "f32"), ("whole", 3, "i64"), ("several", [2.0, 3.0, 0.5], "f32")]:
    case(f"pow_{name}", {"a": "?x3", "b": f'{"3x" * np.ndim(exponent)}{element}', "y": "?x3"},
         f"%b = {constant(exponent, element)}\n%y = nn.pow %a, %b : (<a>, <b>) -> <y>", lambda a, b=exponent: a**np.asarray(b), {"a": (4, 3)},
         positive="a")
case("where", {"c": "?x3xi1", "a": "?x3", "b": "3x1x1", "y": "3x?x3"}, "%y = nn.where %c, %a, %b : (<c>, <a>, <b>) -> <y>",
     lambda c, a, b: np.where(c, a, b), {"c": (4, 3), "a": (4, 3), "b": (3, 1, 1)}, fixed={"c": np.arange(12).reshape(4, 3) % 5 < 2})
for bounds in ("low", "high", "low high"):
    case(f"clip_{bounds.replace(' ', '_')}", {"a": "?x3", "low": "f32", "high": "f32", "y": "?x3"},
         f'%low = {constant(np.float32(-0.5), "f32")}\n%high = {constant(np.float32(0.25), "f32")}\n'
         f'%y = nn.clip %a {" ".join(f"{b} %{b}" for b in bounds.split())} : (<a>{", <low>" * bounds.count(" ")}, <high>) -> <y>',
         lambda a, to=bounds: np.clip(a, -0.5 if "low" in to else None, 0.25 if "high" in to else None), {"a": (5, 3)})

# ---- more moves and products ----

case("squeeze", {"a": "?x1x3x1", "y": "?x3"}, "%y = nn.squeeze %a {axes = array<i64: 1, 3>} : (<a>) -> <y>", lambda a: a[:, 0, :, 0], {"a": (4, 1, 3, 1)})
case("unsqueeze", {"a": "?x3", "y": "1x?x1x3"}, "%y = nn.unsqueeze %a {axes = array<i64: 0, 2>} : (<a>) -> <y>", lambda a: a[None, :, None], {"a": (4, 3)})
case("flatten", {"a": "?x3x?", "y": "?x?"}, "%y = nn.flatten %a {axis = 1 : i64} : (<a>) -> <y>", lambda a: a.reshape(len(a), -1), {"a": (4, 3, 2)})
case("expand", {"a": "3x1", "s": "3xi64", "y": "2x3x4"}, f'%s = {constant([2, 3, 4], "i64")}\n%y = nn.expand %a, %s : (<a>, <s>) -> <y>',
     lambda a: np.broadcast_to(a, (2, 3, 4)), {"a": (3, 1)})
case("split", {"a": "?x7", "u": "?x2", "v": "?x3", "w": "?x2", "y": "?x2"},
     "%u, %v, %w = nn.split %a {axis = 1 : i64, split = array<i64: 2, 3, 2>} : (<a>) -> (<u>, <v>, <w>)\n%y = nn.mul %u, %w : (<u>, <w>) -> <y>",
     lambda a: a[:, :2] * a[:, 5:], {"a": (3, 7)})
for flags in range(4):
    a, b = ((6, 3), (3, 6))[flags & 1], ((6, 5), (5, 6))[flags >> 1]
    a = (6, 3) if flags & 1 else (3, 6)
    case(f"gemm_{flags}", {"a": "x".join(map(str, a)), "b": "x".join(map(str, b)), "c": "3x1", "y": "3x5"},
         f"%y = nn.gemm %a, %b, %c {{alpha = 0.5 : f32, beta = 2.0 : f32, transA = {str(bool(flags & 1)).lower()}, transB = {str(flags > 1).lower()}}} "
         ": (<a>, <b>, <c>) -> <y>", lambda a, b, c, f=flags: 0.5 * (a.T if f & 1 else a) @ (b.T if f > 1 else b) + 2 * c, {"a": a, "b": b, "c": (3, 1)})
for transposed in (False, True):
    case(f"gemm_constant_{transposed}", {"a": "?x7", "w": "5x7" if transposed else "7x5", "y": "?x5"},
         f'%w = {constant(WEIGHT.T if transposed else WEIGHT, "f32")}\n%y = nn.gemm %a, %w {{transB = {str(transposed).lower()}}} : (<a>, <w>) -> <y>',
         lambda a: a @ WEIGHT.astype(np.float64), {"a": (3, 7)})


def layer_norm(x, scale, bias=0):
    centered = x - x.mean(-1, keepdims=True)
    return rms(centered, scale) + bias


for name, bias in [("", "b"), ("_without_bias", "")]:
    case(f"layer_normalization{name}", {"a": "?x?x7", "s": "7", "b": "7", "y": "?x?x7"},
         f'%y = nn.layer_normalization %a, %s{", %b" * bool(bias)} {{axis = 2 : i64, epsilon = 1.0e-5 : f32}} : (<a>, <s>{", <b>" * bool(bias)}) -> <y>',
         layer_norm, {"a": (2, 3, 7), "s": (7,)} | ({"b": (7,)} if bias else {}))

# ---- quantized activations ----


def of_each(shape, scale, axis, block):
    """The scale of each element."""
    if block:
        return spread_over(shape, scale, axis, block)
    return scale if axis is None else np.expand_dims(scale, tuple(range(1, len(shape) - axis)))


def quantized(x, scale, zero, low, high, axis, block):
    wide = of_each(x.shape, scale, axis, block)
    return (np.clip(np.round(x / wide) + zero, low, high) - zero) * wide


def estimated(weights, x, scale, zero, low, high, axis, block):
    """Straight through: as if not there where the code is not saturated; the scale's as in LSQ (Esser et al., 2020)."""
    wide = of_each(x.shape, scale, axis, block)
    code = np.round(x / wide) + zero
    inside = (code >= low) & (code <= high)
    each = weights * (np.clip(code, low, high) - zero - np.where(inside, x / wide, 0))
    if block:
        return {"a": weights * inside, "s": np.add.reduceat(each, np.arange(0, x.shape[axis], block), axis)}
    return {"a": weights * inside, "s": each.sum(tuple(d for d in range(x.ndim) if d != axis))}


for name, axis, block, shape in [("tensor", None, None, ()), ("channels", 1, None, (4,)), ("groups", 2, 3, (5, 4, 3))]:
    for element, low, high, zero in [("i8", -128, 127, 0), ("ui8", 0, 255, 7), ("i4", -8, 7, 0)]:
        if zero and name != "tensor":
            continue
        attributes = ", ".join([f"axis = {axis} : i64"] * (axis is not None) + [f"block_size = {block} : i64"] * bool(block))
        dims = "".join(f"{d}x" for d in shape)
        zeros, operand, type_ = (f"%z = {constant(zero, element)}\n", ", %z", ", <z>") if zero else ("", "", "")
        case(f"straight_through_{name}_{element}", {"a": "?x4x8" if name != "groups" else "5x4x8", "s": dims + "f32", "z": element,
                                                    "q": ("?x4x8x" if name != "groups" else "5x4x8x") + element, "y": "?x4x8" if name != "groups" else "5x4x8"},
             f"{zeros}%q = qopt.quantize %a, %s{operand} {{{attributes}}} : (<a>, <s>{type_}) -> <q>\n"
             f"%y = qopt.dequantize %q, %s{operand} {{{attributes}}} : (<q>, <s>{type_}) -> <y>",
             lambda a, s, z=zero, lo=low, hi=high, at=axis, n=block: quantized(a, s, z, lo, hi, at, n), {"a": (5, 4, 8), "s": shape},
             factors={"s": 0.2 if element == "i4" else 0.01},  # some codes saturate, most do not
             gradients=lambda w, a, s, z=zero, lo=low, hi=high, at=axis, n=block: estimated(w, a, s, z, lo, hi, at, n))
