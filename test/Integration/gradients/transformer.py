"""A block of a Llama at a small size, its weights as codes with scales: rotated halves, repeated KV heads, a causal mask, SwiGLU."""
import numpy as np
from cases import Case, constant, rms, sigmoid, softmax, spread_over

BATCH, LENGTH, WIDTH, HEADS, KEYS, HEAD, INNER = 2, 5, 24, 6, 2, 4, 20
RNG = np.random.default_rng(11)
# name, depth, columns, codes a group (0: a scale for each column)
MATRICES = [("q", WIDTH, HEADS * HEAD, 8), ("k", WIDTH, KEYS * HEAD, 0), ("v", WIDTH, KEYS * HEAD, 7), ("o", HEADS * HEAD, WIDTH, 8),
            ("gate", WIDTH, INNER, 8), ("up", WIDTH, INNER, 0), ("down", INNER, WIDTH, 8)]
CODES = {name: RNG.integers(0, 16, (depth, columns)) for name, depth, columns, _ in MATRICES}
ZEROS = 8
NORMS = {name: RNG.uniform(0.5, 1.5, WIDTH).astype(np.float32) for name in ("first", "second")}
ANGLES = np.arange(LENGTH)[:, None] * 0.5 ** np.arange(HEAD // 2)[None]
COS, SIN = (np.tile(f(ANGLES), 2).astype(np.float32) for f in (np.cos, np.sin))
MASK = np.where(np.tri(LENGTH), 0, -1e9).astype(np.float32)
REPEATS = np.repeat(np.arange(KEYS), HEADS // KEYS)


def scale_shape(depth, columns, group):
    return (-(-depth // group), columns) if group else (columns,)


def weight(name, scale):
    group = {n: g for n, _, _, g in MATRICES}[name]
    return (CODES[name] - ZEROS) * (spread_over(CODES[name].shape, scale, 0, group) if group else scale)


def rotated(x):
    half = HEAD // 2
    return x * COS + np.concatenate([-x[..., half:], x[..., :half]], -1) * SIN


def reference(x, *scales):
    w = {name: weight(name, scale) for name, scale in zip(CODES, scales, strict=True)}

    def heads(projected, count):
        return projected.reshape(BATCH, LENGTH, count, HEAD).transpose(0, 2, 1, 3)

    h = rms(x, NORMS["first"])
    q, k, v = heads(h @ w["q"], HEADS), heads(h @ w["k"], KEYS), heads(h @ w["v"], KEYS)
    k, v = rotated(k)[:, REPEATS], v[:, REPEATS]
    mixed = softmax(rotated(q) @ k.swapaxes(2, 3) * HEAD**-0.5 + MASK) @ v
    x = x + mixed.transpose(0, 2, 1, 3).reshape(x.shape) @ w["o"]
    h = rms(x, NORMS["second"])
    gate = h @ w["gate"]
    return x + (gate * sigmoid(gate) * (h @ w["up"])) @ w["down"]


class Text:
    """Lines of a function, with the types of its values."""

    def __init__(self, types):
        self.lines, self.types = [], dict(types)

    def put(self, result, shape, op, *operands, attributes=""):
        self.types[result] = shape
        types = ", ".join(f"<{operand}>" for operand in operands)
        self.lines.append(f"%{result} = {op} {', '.join(f'%{o}' for o in operands)} {{{attributes}}} : ({types}) -> <{result}>")
        return result

    def constant(self, name, values, element):
        self.types[name] = "".join(f"{d}x" for d in np.shape(values)) + element
        self.lines.append(f"%{name} = {constant(values, element)}")
        return name


def rotate(t, x, name, heads):
    shape, half = f"?x{heads}x?x{HEAD}", f"?x{heads}x?x{HEAD // 2}"
    cut = "axes = array<i64: 3>, steps = array<i64: 1>"
    low = t.put(f"{name}l", half, "nn.slice", x, "zero", "half", attributes=cut)
    high = t.put(f"{name}h", half, "nn.slice", x, "half", "head", attributes=cut)
    back = t.put(f"{name}n", half, "nn.neg", high)
    turned = t.put(f"{name}c", shape, "nn.concat", back, low, attributes="axis = 3 : i64")
    straight = t.put(f"{name}a", shape, "nn.mul", x, "cos")
    across = t.put(f"{name}b", shape, "nn.mul", turned, "sin")
    return t.put(f"{name}r", shape, "nn.add", straight, across)


def text():
    rows = f"?x?x{WIDTH}"
    t = Text({"x": rows} | {f"s{n}": "x".join(map(str, scale_shape(d, c, g))) for n, d, c, g in MATRICES})
    for name, values in {"zero": [0], "half": [HEAD // 2], "head": [HEAD], "split": [0, 0, HEADS, HEAD], "splitk": [0, 0, KEYS, HEAD],
                         "merge": [0, 0, WIDTH], "repeats": REPEATS}.items():
        t.constant(name, values, "i64")
    for name, values in {"cos": COS, "sin": SIN, "mask": MASK, "root": np.float32(HEAD**-0.5), **NORMS}.items():
        t.constant(name, values, "f32")
    for name, depth, columns, group in MATRICES:
        t.constant(f"c{name}", CODES[name], "ui4")
        t.constant(f"z{name}", np.full(scale_shape(depth, columns, group), ZEROS), "ui4")
        attributes = f"axis = 0 : i64, block_size = {group} : i64" if group else "axis = 1 : i64"
        t.put(f"w{name}", f"{depth}x{columns}", "qopt.dequantize", f"c{name}", f"s{name}", f"z{name}", attributes=attributes)

    def norm(x, which):
        return t.put(f"h{which}", rows, "nn.rms_normalization", x, which, attributes="axis = 2 : i64, epsilon = 1.0e-5 : f32")

    def project(x, name, columns):
        return t.put(f"p{name}", f"?x?x{columns}", "nn.matmul", x, f"w{name}")

    h = norm("x", "first")
    for name, count, split in [("q", HEADS, "split"), ("k", KEYS, "splitk"), ("v", KEYS, "splitk")]:
        apart = t.put(f"{name}s", f"?x?x{count}x{HEAD}", "nn.reshape", project(h, name, count * HEAD), split)
        t.put(f"{name}t", f"?x{count}x?x{HEAD}", "nn.transpose", apart, attributes="perm = array<i64: 0, 2, 1, 3>")
    all_heads = f"?x{HEADS}x?x{HEAD}"
    q, k = rotate(t, "qt", "q", HEADS), rotate(t, "kt", "k", KEYS)
    keys = t.put("kk", all_heads, "nn.gather", k, "repeats", attributes="axis = 1 : i64")
    values = t.put("vv", all_heads, "nn.gather", "vt", "repeats", attributes="axis = 1 : i64")
    turned = t.put("ky", f"?x{HEADS}x{HEAD}x?", "nn.transpose", keys, attributes="perm = array<i64: 0, 1, 3, 2>")
    square = f"?x{HEADS}x?x?"
    scores = t.put("si", square, "nn.mul", t.put("sh", square, "nn.matmul", q, turned), "root")
    shares = t.put("sf", square, "nn.softmax", t.put("sm", square, "nn.add", scores, "mask"), attributes="axis = 3 : i64")
    mixed = t.put("mh", all_heads, "nn.matmul", shares, values)
    apart = t.put("mt", f"?x?x{HEADS}x{HEAD}", "nn.transpose", mixed, attributes="perm = array<i64: 0, 2, 1, 3>")
    merged = t.put("mr", rows, "nn.reshape", apart, "merge")
    middle = t.put("r", rows, "nn.add", "x", project(merged, "o", WIDTH))
    h = norm(middle, "second")
    gate = t.put("gs", f"?x?x{INNER}", "nn.swish", project(h, "gate", INNER))
    inner = t.put("gm", f"?x?x{INNER}", "nn.mul", gate, project(h, "up", INNER))
    t.put("y", rows, "nn.add", middle, project(inner, "down", WIDTH))
    return t


class Block(Case):
    def values(self):
        rng = np.random.default_rng(12)
        return {name: rng.uniform(0.01, 0.06, size).astype(np.float32) if name != "x" else rng.standard_normal(size).astype(np.float32)
                for name, size in self.sizes.items()}


TEXT = text()
BLOCK = Block(TEXT.types, "\n".join(TEXT.lines), reference,
              {"x": (BATCH, LENGTH, WIDTH)} | {f"s{n}": scale_shape(d, c, g) for n, d, c, g in MATRICES})
