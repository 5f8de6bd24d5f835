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
    "abs": ("nn.abs %a", np.abs),
    "softplus": ("nn.softplus %a", lambda x: np.log1p(np.exp(x))),
    "leaky_relu": ("nn.leaky_relu %a {alpha = 0.2 : f32}", lambda x: np.where(x >= 0, x, 0.2 * x)),
    "hard_swish": ("nn.hard_swish %a", lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "hard_sigmoid": ("nn.hard_sigmoid %a {alpha = 0.2 : f32, beta = 0.4 : f32}", lambda x: np.clip(0.2 * x + 0.4, 0, 1)),
}
for name, (op, function) in ACTIVATIONS.items():
    case(name, {"a": "?x5", "y": "?x5"}, f"%y = {op} : (<a>) -> <y>", function, {"a": (3, 5)}, positive="a" if name == "reciprocal" else "",
         factors={"a": 4} if "hard" in name else {})
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

# ---- convolutions ----


def windows(x, kernel, strides, dilations, pads, fill=0.0):
    """For each tap of a window, in order, what it sees: N×C×counts."""
    n = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:n], pads[n:])], constant_values=fill)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    counts = [(size - r) // s + 1 for size, r, s in zip(x.shape[2:], reach, strides)]
    for tap in np.ndindex(*kernel):
        at = (slice(k * d, k * d + (c - 1) * s + 1, s) for k, d, c, s in zip(tap, dilations, counts, strides))
        yield tap, x[(slice(None), slice(None), *at)]


def conv(x, w, b=None, strides=(1,), dilations=(1,), pads=(0, 0), group=1):
    y, width, each = 0, w.shape[0] // group, w.shape[1]
    for tap, seen in windows(x, w.shape[2:], strides, dilations, pads):
        y = y + np.concatenate([np.einsum("nc...,mc->nm...", seen[:, g * each:(g + 1) * each], w[(slice(g * width, (g + 1) * width), slice(None), *tap)])
                                for g in range(group)], 1)
    return y if b is None else y + b.reshape(-1, *[1] * len(strides))


def conv_transpose(x, w, b=None, strides=(1,), dilations=(1,), pads=(0, 0), output_padding=(0,), group=1):
    n, each, width = len(strides), w.shape[0] // group, w.shape[1]
    sizes = [(size - 1) * s + (k - 1) * d + 1 + extra for size, s, k, d, extra in zip(x.shape[2:], strides, w.shape[2:], dilations, output_padding)]
    y = np.zeros((len(x), width * group, *sizes), np.result_type(x, w))
    for tap in np.ndindex(*w.shape[2:]):
        at = tuple(slice(k * d, k * d + (c - 1) * s + 1, s) for k, d, c, s in zip(tap, dilations, x.shape[2:], strides))
        for g in range(group):
            part = np.einsum("nc...,cm->nm...", x[:, g * each:(g + 1) * each], w[(slice(g * each, (g + 1) * each), slice(None), *tap)])
            y[(slice(None), slice(g * width, (g + 1) * width), *at)] += part
    y = y[(slice(None), slice(None), *(slice(p, size - q) for p, q, size in zip(pads[:n], pads[n:], sizes)))]
    return y if b is None else y + b.reshape(-1, *[1] * n)


def dims(*sizes):
    return "x".join(map(str, sizes))


def array(values):
    return f"array<i64: {', '.join(map(str, values))}>"


# name, x, w, has bias, attributes
CONVOLUTIONS = [
    ("1d", (2, 3, 9), (4, 3, 3), True, dict(strides=(1,), dilations=(1,), pads=(0, 0))),
    ("1d_stride_3", (2, 3, 10), (4, 3, 2), False, dict(strides=(3,), dilations=(1,), pads=(1, 0))),
    ("product", (3, 5, 4, 3), (6, 5, 1, 1), True, dict(strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0))),
    ("product_stride_2", (2, 4, 6, 5), (3, 4, 1, 1), True, dict(strides=(2, 2), dilations=(1, 1), pads=(0, 0, 0, 0))),
    ("dense", (2, 3, 5, 6), (4, 3, 3, 3), True, dict(strides=(1, 1), dilations=(1, 1), pads=(1, 1, 1, 1))),
    ("strides", (2, 3, 7, 8), (4, 3, 3, 2), True, dict(strides=(2, 3), dilations=(1, 1), pads=(1, 0, 1, 2))),
    ("dilations", (1, 2, 8, 9), (3, 2, 2, 3), False, dict(strides=(1, 2), dilations=(3, 2), pads=(0, 1, 2, 0))),
    ("wide_pads", (2, 2, 3, 4), (2, 2, 2, 1), False, dict(strides=(1, 2), dilations=(1, 1), pads=(2, 1, 3, 2))),
    ("groups", (2, 4, 5, 5), (6, 2, 3, 3), True, dict(strides=(2, 1), dilations=(1, 1), pads=(1, 1, 0, 1), group=2)),
    ("depthwise", (2, 5, 6, 6), (5, 1, 3, 3), True, dict(strides=(1, 1), dilations=(1, 1), pads=(1, 1, 1, 1), group=5)),
    ("depthwise_stride_2", (2, 3, 7, 6), (3, 1, 5, 3), False, dict(strides=(2, 2), dilations=(1, 1), pads=(2, 1, 2, 1), group=3)),
    ("multiplied_depthwise", (2, 3, 4, 4), (6, 1, 2, 2), True, dict(strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), group=3)),
    ("3d", (1, 2, 4, 5, 3), (3, 2, 2, 3, 2), True, dict(strides=(1, 2, 1), dilations=(1, 1, 1), pads=(1, 0, 0, 0, 1, 1))),
    ("3d_groups", (2, 4, 3, 4, 4), (4, 2, 2, 2, 1), False, dict(strides=(1, 1, 2), dilations=(2, 1, 1), pads=(0, 0, 0, 0, 0, 0), group=2)),
]
for name, x, w, bias, attributes in CONVOLUTIONS:
    text = ", ".join(f"{key} = {array(value) if key != 'group' else f'{value} : i64'}" for key, value in attributes.items())
    operands, types = ("%a, %w, %b", "<a>, <w>, <b>") if bias else ("%a, %w", "<a>, <w>")
    values = {"a": x, "w": w} | ({"b": w[:1]} if bias else {})
    counts = conv(np.zeros(x), np.zeros(w), **attributes).shape[2:]
    for how, given, made in [("", dims("?", *x[1:]), dims("?", w[0], *counts)), ("_open", dims("?", x[1], *"?" * (len(x) - 2)), dims("?", w[0], *"?" * (len(x) - 2)))]:
        case(f"conv_{name}{how}", {"a": given, "w": dims(*w), "b": dims(w[0]), "y": made}, f"%y = nn.conv {operands} {{{text}}} : ({types}) -> <y>",
             lambda a, w, b=None, more=attributes: conv(a, w, b, **more), values)
for auto in ("SAME_UPPER", "SAME_LOWER"):
    pads = (1, 0, 2, 1) if auto == "SAME_UPPER" else (2, 1, 1, 0)
    case(f"conv_{auto.lower()}", {"a": "?x2x?x?", "w": "3x2x4x2", "y": "?x3x?x?"},
         f'%y = nn.conv %a, %w {{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, auto_pad = "{auto}"}} : (<a>, <w>) -> <y>',
         lambda a, w, p=pads: conv(a, w, None, (1, 1), (1, 1), p), {"a": (2, 2, 5, 4), "w": (3, 2, 4, 2)})
KERNEL = np.random.default_rng(8).standard_normal((4, 3, 3, 3)).astype(np.float32)
case("conv_constant", {"a": "?x3x5x6", "w": "4x3x3x3", "y": "?x4x5x6"},
     f'%w = {constant(KERNEL, "f32")}\n%y = nn.conv %a, %w {{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}} : (<a>, <w>) -> <y>',
     lambda a: conv(a, KERNEL.astype(np.float64), None, (1, 1), (1, 1), (1, 1, 1, 1)), {"a": (2, 3, 5, 6)})
for name, x, w, attributes in [
    ("disjoint", (2, 3, 4, 5), (3, 2, 2, 3), dict(strides=(2, 3), dilations=(1, 1), pads=(0, 0, 0, 0), output_padding=(0, 0))),
    ("overlapping", (1, 4, 3, 4), (4, 2, 3, 3), dict(strides=(2, 1), dilations=(1, 2), pads=(1, 0, 0, 1), output_padding=(1, 0), group=2)),
]:
    text = ", ".join(f"{key} = {array(value) if key != 'group' else f'{value} : i64'}" for key, value in attributes.items())
    made = conv_transpose(np.zeros(x), np.zeros(w), **attributes).shape
    case(f"conv_transpose_{name}", {"a": dims("?", *x[1:]), "w": dims(*w), "b": dims(made[1]), "y": dims("?", *made[1:])},
         f"%y = nn.conv_transpose %a, %w, %b {{{text}}} : (<a>, <w>, <b>) -> <y>", lambda a, w, b, more=attributes: conv_transpose(a, w, b, **more),
         {"a": x, "w": w, "b": made[1:2]})

# ---- pools ----


def ceiled(x, kernel, strides, pads):
    """Pads with the overhang of the last windows in ceil mode."""
    n, more = len(kernel), list(pads)
    for i, (size, k, s) in enumerate(zip(x.shape[2:], kernel, strides)):
        count = -(-(size + pads[i] + pads[i + n] - k) // s) + 1
        count -= (count - 1) * s >= size + pads[i]
        more[i + n] = (count - 1) * s + k - size - pads[i]
    return more


def max_pool(x, kernel, strides, dilations, pads, ceil_mode=False):
    pads = ceiled(x, kernel, strides, pads) if ceil_mode else pads
    return np.max([seen for _, seen in windows(x, kernel, strides, dilations, pads, -np.inf)], axis=0)


def average_pool(x, kernel, strides, dilations, pads, ceil_mode=False, count_include_pad=False):
    own = np.pad(np.ones_like(x), [(0, 0), (0, 0), *zip(pads[:2], pads[2:])], constant_values=float(count_include_pad))
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:2], pads[2:])])
    over = ceiled(x, kernel, strides, (0, 0, 0, 0)) if ceil_mode else (0, 0, 0, 0)
    sums, counts = ([seen for _, seen in windows(v, kernel, strides, dilations, over)] for v in (x, own))
    return np.sum(sums, 0) / np.sum(counts, 0)


POOLS = [
    ("halves", (2, 3, 6, 4), dict(kernel=(2, 2), strides=(2, 2), dilations=(1, 1), pads=(0, 0, 0, 0))),
    ("overlapping", (2, 2, 7, 6), dict(kernel=(3, 2), strides=(2, 1), dilations=(1, 1), pads=(1, 0, 1, 1))),
    ("dilated", (1, 2, 7, 7), dict(kernel=(2, 3), strides=(1, 2), dilations=(3, 2), pads=(0, 1, 1, 2))),
    ("left_over", (1, 2, 8, 5), dict(kernel=(3, 2), strides=(3, 2), dilations=(1, 1), pads=(0, 0, 0, 0))),
    ("ceiled", (1, 2, 7, 6), dict(kernel=(3, 3), strides=(2, 2), dilations=(1, 1), pads=(0, 0, 0, 0), ceil_mode=True)),
]
for name, x, attributes in POOLS:
    text = ", ".join(f"{'kernel_shape' if key == 'kernel' else key} = {array(value) if key != 'ceil_mode' else 'true'}" for key, value in attributes.items())
    spatial = max_pool(np.zeros(x), **attributes).shape[2:]
    for how, given, made in [("", dims("?", *x[1:]), dims("?", x[1], *spatial)), ("_open", dims("?", x[1], "?", "?"), dims("?", x[1], "?", "?"))]:
        case(f"max_pool_{name}{how}", {"a": given, "y": made}, f"%y = nn.max_pool %a {{{text}}} : (<a>) -> <y>",
             lambda a, more=attributes: max_pool(a, **more), {"a": x})
        for counts in (False, True):
            case(f"average_pool_{name}{'_with_pads' * counts}{how}", {"a": given, "y": made},
                 f"%y = nn.average_pool %a {{{text}, count_include_pad = {str(counts).lower()}}} : (<a>) -> <y>",
                 lambda a, more=attributes, c=counts: average_pool(a, **more, count_include_pad=c), {"a": x})
case("max_pool_ties", {"a": "?x2x4", "c": "?x2x8", "y": "?x2x4"},  # each window sees the same pixel twice
     "%c = nn.concat %a, %a {axis = 2 : i64} : (<a>, <a>) -> <c>\n"
     "%y = nn.max_pool %c {kernel_shape = array<i64: 2>, strides = array<i64: 1>, dilations = array<i64: 4>, pads = array<i64: 0, 0>} : (<c>) -> <y>",
     lambda a: a, {"a": (3, 2, 4)})
for op, function in {"reduce_max": np.max, "reduce_min": np.min}.items():
    case(op, {"a": "?x?x5", "y": "?x5"}, f"%y = nn.{op} %a {{axes = array<i64: 1>, keepdims = false}} : (<a>) -> <y>", lambda a, f=function: f(a, 1), {"a": (3, 4, 5)})
    case(f"{op}_kept", {"a": "3x4x5", "y": "3x1x1"}, f"%y = nn.{op} %a {{axes = array<i64: 2, 1>}} : (<a>) -> <y>",
         lambda a, f=function: f(a, (1, 2), keepdims=True), {"a": (3, 4, 5)})
for op, function in {"max": np.maximum, "min": np.minimum}.items():
    case(op, {"a": "?x3", "b": "3", "y": "?x3"}, f"%y = nn.{op} %a, %b : (<a>, <b>) -> <y>", function, {"a": (4, 3), "b": (3,)})
case("pad", {"a": "?x3x4", "p": "6xi64", "v": "f32", "y": "?x6x3"},
     f'%p = {constant([0, 2, -2, 0, 1, 1], "i64")}\n%v = {constant(np.float32(3), "f32")}\n%y = nn.pad %a, %p, %v : (<a>, <p>, <v>) -> <y>',
     lambda a: np.pad(a[:, :, 2:], [(0, 0), (2, 1), (0, 1)], constant_values=3), {"a": (2, 3, 4)})

# ---- attention ----


def attention(q, k, v, mask=None, scale=1.0, cap=0.0, causal=False):
    repeats = q.shape[1] // k.shape[1]
    k, v = k.repeat(repeats, 1), v.repeat(repeats, 1)
    scores = scale * q @ k.swapaxes(2, 3)
    scores = cap * np.tanh(scores / cap) if cap else scores
    seen = np.tri(*scores.shape[2:], dtype=bool) if causal else np.ones(scores.shape[2:], bool)
    if mask is not None and mask.dtype == bool:
        seen = seen & mask
    elif mask is not None:
        scores = scores + mask
    e = np.where(seen, np.exp(scores - scores.max(-1, keepdims=True)), 0)
    return e / np.where(e.sum(-1, keepdims=True) == 0, 1, e.sum(-1, keepdims=True)) @ v


SEEN = np.random.default_rng(9).integers(0, 3, (2, 1, 5, 6)) > 0
SEEN[0, 0, 2] = False  # a query that sees nothing
for name, keys, mask, attributes in [("", 4, "", "scale = 0.5 : f32"), ("_grouped", 2, "", "scale = 0.5 : f32, softcap = 2.0 : f32"),
                                     ("_causal", 1, "", "scale = 0.5 : f32, is_causal = true"), ("_masked", 4, "i1", "scale = 0.5 : f32"),
                                     ("_masked_causal", 2, "i1", "scale = 0.5 : f32, is_causal = true"), ("_added", 2, "f32", "scale = 0.5 : f32")]:
    case(f"attention{name}", {"q": "?x4x?x3", "k": f"?x{keys}x?x3", "v": f"?x{keys}x?x2", "m": f"?x1x?x?x{mask or 'f32'}", "y": "?x4x?x2"},
         f"%y = nn.attention %q, %k, %v{', %m' * bool(mask)} {{{attributes}}} : (<q>, <k>, <v>{', <m>' * bool(mask)}) -> <y>",
         lambda q, k, v, m=None, more=attributes, mask=mask: attention(q, k, v, m if mask != "i1" else m > 0, 0.5,
                                                                       2.0 * ("softcap" in more), "causal" in more),
         {"q": (2, 4, 5, 3), "k": (2, keys, 6, 3), "v": (2, keys, 6, 2)} | ({"m": (2, 1, 5, 6)} if mask == "f32" else {}), fixed={"m": SEEN} if mask == "i1" else {})

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
