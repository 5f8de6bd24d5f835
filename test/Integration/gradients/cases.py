"""Small functions of nn ops, each with what it computes in numpy; `<a>` in the text is the type of the value %a."""
import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass
class Case:
    types: dict  # of values by name: a shape, "?" for dims that the type leaves open, and an element type where it is not f32
    text: str
    reference: Callable  # of the arguments in `sizes`, in float64; gives %y
    sizes: dict  # of the arguments
    positive: str = ""  # arguments that are positive

    def values(self):
        rng = np.random.default_rng(3)
        made = {name: rng.standard_normal(size).astype(np.float32) for name, size in self.sizes.items()}
        return made | {name: np.abs(made[name]) + 0.5 for name in self.positive.split()}


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

for op, function in {"reduce_sum": np.sum, "reduce_mean": np.mean}.items():
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
