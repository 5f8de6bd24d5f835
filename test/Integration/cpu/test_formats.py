"""Quantize → dequantize in compiled code, bit for bit against ml_dtypes and numpy: every format, scales of every granularity and storage,
ragged shapes, extremes, zeros, NaN and infinity. lib/Numerics is held against the same oracles (python/goldens/formats.py)."""
import ml_dtypes
import numpy as np
import pytest

FLOATS = {"f8E4M3FN": ml_dtypes.float8_e4m3fn, "f8E5M2": ml_dtypes.float8_e5m2, "f6E3M2FN": ml_dtypes.float6_e3m2fn,
          "f6E2M3FN": ml_dtypes.float6_e2m3fn, "f4E2M1FN": ml_dtypes.float4_e2m1fn}
TINY = np.finfo(np.float32).tiny


def run(tool, folder, body, results, **inputs):
    """Runs a function of f32 inputs [?, K] and returns its outputs by name; `results` is {name: type}."""
    arguments = ", ".join(f'%{name}: tensor<{"x".join(map(str, x.shape))}{"x" if x.ndim else ""}f32> {{nn.name = "{name}"}}' for name, x in inputs.items())
    types = ", ".join(f'{type} {{nn.name = "{name}"}}' for name, type in results.items())
    returned = ", ".join("%" + name for name in results), ", ".join(results.values())
    (folder / "m.mlir").write_text(f"func.func @main({arguments}) -> ({types}) {{\n{body}\n  return {returned[0]} : {returned[1]}\n}}\n")
    flags = []
    for name, x in inputs.items():
        np.save(folder / f"{name}.npy", x)
        flags += ["--input", f"{name}={folder / name}.npy"]
    tool("qopt", "run", folder / "m.mlir", *flags, "-o", folder / "out.npz")
    return dict(np.load(folder / "out.npz"))


def bits(x):
    """f32 as integers, all NaN alike."""
    x = np.asarray(x, np.float32)
    return np.where(np.isnan(x), np.int32(0x7fc00000), x.view(np.int32))


def same(got, want):
    np.testing.assert_array_equal(bits(got), bits(want))


def rounded(x, dtype):
    """The value of the nearest code, saturated: what decode(encode(x)) is."""
    limit = np.float32(ml_dtypes.finfo(dtype).max)
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(x), x, np.clip(x, -limit, limit)).astype(np.float32).astype(dtype).astype(np.float32)


def sample(shape, seed=0, special=True):
    random = np.random.default_rng(seed)
    x = (random.standard_normal(shape) * 2.0 ** random.integers(-12, 13, shape)).astype(np.float32)
    x[0] = 0
    x[1, :3] = 0, -0.0, 1e-45
    if special:
        x[2, 1], x[3, -1], x[4, 0] = np.nan, np.inf, -np.inf
        x[5, :2] = 3.4e38, -3.4e38
    return x


def blocks(x, size):
    """(start, end) of each block of the last dim, with its index."""
    return [(i, b, min(b + size, x.shape[-1])) for i, b in enumerate(range(0, x.shape[-1], size))]


def by_block(x, size, scale_of, dtype, multiply=None):
    """x' by the definition: one block of one row at a time. Scales that are zero or NaN give codes of zero."""
    scales = np.zeros((x.shape[0], len(blocks(x, size))), np.float32)
    y = np.zeros_like(x)
    for row in range(x.shape[0]):
        for i, begin, end in blocks(x, size):
            part = x[row, begin:end]
            s = scales[row, i] = scale_of(part)
            with np.errstate(all="ignore"):
                q = rounded(part / s, dtype) if s != 0 and not np.isnan(s) else np.zeros_like(part)
                y[row, begin:end] = q * s
    return y, scales


def absmax(part):
    return np.float32(np.nan) if np.isnan(part).any() else np.abs(part).max()


@pytest.mark.parametrize("name", FLOATS)
def test_codes_decode_and_values_round(tool, tmp_path, name):
    dtype = FLOATS[name]
    codes = np.arange(2 ** {"8": 8, "6": 6, "4": 4}[name[1]]).astype(np.uint8).view(dtype).astype(np.float32)
    finite = np.unique(codes[np.isfinite(codes)])
    middle = (finite[1:] + finite[:-1]) / 2
    x = np.concatenate([codes, middle, np.nextafter(middle, np.float32(9e9)), np.nextafter(middle, np.float32(-9e9)),
                        np.float32([1e30, -1e30, np.inf, -np.inf, np.nan, -0.0, 1e-45])]).astype(np.float32)[None]
    body = f"""  %one = nn.constant dense<1.0> : tensor<f32>
  %q = qopt.quantize %x, %one : (tensor<1x{x.size}xf32>, tensor<f32>) -> tensor<1x{x.size}x{name}>
  %y = qopt.dequantize %q, %one : (tensor<1x{x.size}x{name}>, tensor<f32>) -> tensor<1x{x.size}xf32>"""
    same(run(tool, tmp_path, body, {"y": f"tensor<1x{x.size}xf32>"}, x=x)["y"], rounded(x, dtype))


@pytest.mark.parametrize("columns", [64, 70, 31, 1])
@pytest.mark.parametrize("name", FLOATS)
def test_mx(tool, tmp_path, name, columns):
    """OCP Microscaling 1.0, section 6.3: blocks of 32 under powers of two."""
    dtype, x = FLOATS[name], sample((7, max(columns, 3)), columns)[:, :columns]
    x[6] *= np.float32(1e-38)  # exponents below the least
    top = float(ml_dtypes.finfo(dtype).max)

    def scale(part):
        amax = absmax(part)
        if np.isnan(amax):
            return np.float32(np.nan)
        amax = min(float(amax), float(np.finfo(np.float32).max))
        exponent = np.frexp(amax)[1] - 1 - (np.frexp(top)[1] - 1) if amax else -127
        return np.float32(np.ldexp(1.0, max(int(exponent), -127)))

    n = -(-columns // 32)
    shape, scales = f"tensor<7x{columns}x", f"tensor<7x{n}x"
    body = f"""  %e = qopt.dynamic_scale %x {{axis = 1 : i64, block_size = 32 : i64, top = {top} : f32}} : ({shape}f32>) -> {scales}f8E8M0FNU>
  %q = qopt.quantize %x, %e {{axis = 1 : i64, block_size = 32 : i64}} : ({shape}f32>, {scales}f8E8M0FNU>) -> {shape}{name}>
  %y = qopt.dequantize %q, %e {{axis = 1 : i64, block_size = 32 : i64}} : ({shape}{name}>, {scales}f8E8M0FNU>) -> {shape}f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %s = qopt.dequantize %e, %one : ({scales}f8E8M0FNU>, tensor<f32>) -> {scales}f32>"""
    got = run(tool, tmp_path, body, {"y": shape + "f32>", "s": scales + "f32>"}, x=x)
    y, s = by_block(x, 32, scale, dtype)
    same(got["s"], s)
    same(got["y"], y)


@pytest.mark.parametrize("columns", [64, 37, 5])
def test_nvfp4(tool, tmp_path, columns):
    """Blocks of 16 under E4M3 scales under one float for the tensor."""
    x = sample((7, columns), columns)
    finite = np.abs(x[np.isfinite(x)]).max()
    outer = max(np.float32(finite / np.float32(2688)), TINY)
    n = -(-columns // 16)
    shape, scales = f"tensor<7x{columns}x", f"tensor<7x{n}x"
    block = "{axis = 1 : i64, block_size = 16 : i64}"
    body = f"""  %o = qopt.dynamic_scale %x {{top = 2688.0 : f32}} : ({shape}f32>) -> tensor<f32>
  %e = qopt.dynamic_scale %x, %o {{axis = 1 : i64, block_size = 16 : i64, top = 6.0 : f32}} : ({shape}f32>, tensor<f32>) -> {scales}f8E4M3FN>
  %s = qopt.dequantize %e, %o : ({scales}f8E4M3FN>, tensor<f32>) -> {scales}f32>
  %q = qopt.quantize %x, %s {block} : ({shape}f32>, {scales}f32>) -> {shape}f4E2M1FN>
  %y = qopt.dequantize %q, %s {block} : ({shape}f4E2M1FN>, {scales}f32>) -> {shape}f32>"""
    got = run(tool, tmp_path, body, {"y": shape + "f32>", "s": scales + "f32>", "o": "tensor<f32>"}, x=x)

    def scale(part):
        with np.errstate(all="ignore"):
            return rounded(np.float32([absmax(part) / np.float32(6) / outer]), ml_dtypes.float8_e4m3fn)[0] * outer

    y, s = by_block(x, 16, scale, ml_dtypes.float4_e2m1fn)
    same(got["o"], outer)
    same(got["s"], s)
    same(got["y"], y)


@pytest.mark.parametrize("block", [24, 50])
@pytest.mark.parametrize("name", ["f8E4M3FN", "f8E5M2", "i8", "i4"])
def test_scales_by_token_and_group(tool, tmp_path, name, block):
    x = sample((7, 50), 3, special=not name.startswith("i"))
    top = {"i8": 127.0, "i4": 7.0}.get(name) or float(ml_dtypes.finfo(FLOATS[name]).max)
    n = -(-50 // block)
    parameters = f"{{axis = 1 : i64, block_size = {block} : i64}}"
    body = f"""  %s = qopt.dynamic_scale %x {{axis = 1 : i64, block_size = {block} : i64, top = {top} : f32}} : (tensor<7x50xf32>) -> tensor<7x{n}xf32>
  %q = qopt.quantize %x, %s {parameters} : (tensor<7x50xf32>, tensor<7x{n}xf32>) -> tensor<7x50x{name}>
  %y = qopt.dequantize %q, %s {parameters} : (tensor<7x50x{name}>, tensor<7x{n}xf32>) -> tensor<7x50xf32>"""
    got = run(tool, tmp_path, body, {"y": "tensor<7x50xf32>", "s": f"tensor<7x{n}xf32>"}, x=x)

    def scale(part):
        return np.float32(1) if absmax(part) == 0 else np.float32(np.maximum(absmax(part) / np.float32(top), TINY))

    y, s = by_block(x, block, scale, FLOATS.get(name, np.float32))
    same(got["s"], s)
    if name in FLOATS:
        same(got["y"], y)
        return
    s = np.repeat(s, block, axis=1)[:, :50]
    same(got["y"], np.clip(np.rint(x / s), -top - 1, top) * s + np.float32(0))


@pytest.mark.parametrize("name, low, high", [("i2", -2, 1), ("ui2", 0, 3), ("i3", -4, 3), ("i4", -8, 7), ("ui4", 0, 15), ("i8", -128, 127)])
@pytest.mark.parametrize("rows, columns, group", [(37, 5, 8), (64, 3, 32), (7, 9, 128)])
def test_grouped_weights(tool, tmp_path, name, low, high, rows, columns, group):
    """Constant codes in groups along dim 0, the last one partial, with zero points and without; scales may be negative."""
    random = np.random.default_rng(rows)
    groups = -(-rows // group)
    codes, zeros = (random.integers(low, high + 1, shape) for shape in ((rows, columns), (groups, columns)))
    scales = random.standard_normal((groups, columns)).astype(np.float32)
    q, s, z = f"tensor<{rows}x{columns}x{name}>", f"tensor<{groups}x{columns}xf32>", f"tensor<{groups}x{columns}x{name}>"
    parameters = f"{{axis = 0 : i64, block_size = {group} : i64}}"
    y = f"tensor<{rows}x{columns}xf32>"
    body = f"""  %q = nn.constant dense<{codes.tolist()}> : {q}
  %z = nn.constant dense<{zeros.tolist()}> : {z}
  %y = qopt.dequantize %q, %s, %z {parameters} : ({q}, {s}, {z}) -> {y}
  %p = qopt.dequantize %q, %s {parameters} : ({q}, {s}) -> {y}"""
    got = run(tool, tmp_path, body, {"y": y, "p": y}, s=scales)
    where = np.arange(rows) // group
    same(got["y"], (codes - zeros[where]).astype(np.float32) * scales[where])
    same(got["p"], codes.astype(np.float32) * scales[where])


def test_blocks_of_two_dims(tool, tmp_path):
    x, s = sample((19, 37), special=False), np.random.default_rng(0).uniform(0.1, 9, (3, 5)).astype(np.float32)
    body = """  %q = qopt.quantize %x, %s {block_shape = array<i64: 8, 8>} : (tensor<19x37xf32>, tensor<3x5xf32>) -> tensor<19x37xf8E4M3FN>
  %y = qopt.dequantize %q, %s {block_shape = array<i64: 8, 8>} : (tensor<19x37xf8E4M3FN>, tensor<3x5xf32>) -> tensor<19x37xf32>"""
    got = run(tool, tmp_path, body, {"y": "tensor<19x37xf32>"}, x=x, s=s)["y"]
    scale = np.kron(s, np.ones((8, 8), np.float32))[:19, :37]
    same(got, rounded(x / scale, ml_dtypes.float8_e4m3fn) * scale)


def test_lookup_in_groups(tool, tmp_path):
    """NF4: codes of a table, under scales that are quantized themselves."""
    random = np.random.default_rng(0)
    codes, table = random.integers(0, 16, (21, 6)), np.sort(random.standard_normal(16)).astype(np.float32)
    s = random.uniform(0.1, 2, (3, 6)).astype(np.float32)
    body = f"""  %q = nn.constant dense<{codes.tolist()}> : tensor<21x6xui4>
  %v = qopt.lookup %q, %t : (tensor<21x6xui4>, tensor<16xf32>) -> tensor<21x6xf32>
  %y = qopt.dequantize %v, %s {{axis = 0 : i64, block_size = 8 : i64}} : (tensor<21x6xf32>, tensor<3x6xf32>) -> tensor<21x6xf32>"""
    got = run(tool, tmp_path, body, {"y": "tensor<21x6xf32>"}, t=table, s=s)["y"]
    same(got, table[codes] * s[np.arange(21) // 8])


# ---- whole schemes: a matrix product through `qopt quantize` and `qopt run`

NF4 = np.float32([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                  -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0])
E4M3, E2M1 = ml_dtypes.float8_e4m3fn, ml_dtypes.float4_e2m1fn


def absmax_scale(top):
    return lambda part: np.float32(absmax(part) / np.float32(top)) if absmax(part) else np.float32(1)


def mx_scale(top):
    return lambda part: np.float32(2.0 ** (np.floor(np.log2(absmax(part))) - np.floor(np.log2(top))))


def nv(x):
    outer = np.float32(np.abs(x).max() / np.float32(2688))
    return by_block(x, 16, lambda part: rounded(np.float32([absmax(part) / np.float32(6) / outer]), E4M3)[0] * outer, E2M1)[0]


def nf4(w):
    """Scales less their mean, as E4M3 under a float for every 256 of them, in the order of the weight's own layout [inputs, outputs]."""
    scales = np.stack([np.abs(w[:, b:e]).max(1) for _, b, e in blocks(w, 64)])
    flat = scales.reshape(-1)
    mean = np.float32(flat.astype(np.float64).mean())
    again = np.zeros_like(flat)
    for begin in range(0, flat.size, 256):
        part = flat[begin:begin + 256] - mean
        outer = np.float32(np.abs(part).max() / np.float32(448))
        again[begin:begin + 256] = rounded(part / outer, E4M3) * outer + mean
    again, y = again.reshape(scales.shape), np.zeros_like(w)
    for i, b, e in blocks(w, 64):
        near = np.abs((w[:, b:e] / scales[i][:, None])[..., None].astype(np.float64) - NF4).argmin(-1)
        y[:, b:e] = NF4[near] * again[i][:, None]
    return y


def boxes(w, size):
    y = np.zeros_like(w)
    for r in range(0, w.shape[0], size):
        for c in range(0, w.shape[1], size):
            part = w[r:r + size, c:c + size]
            s = absmax_scale(448)(part)
            y[r:r + size, c:c + size] = rounded(part / s, E4M3) * s
    return y


def integers(x, size, top):
    s = np.stack([absmax_scale(top)(row[b:e]) for row in x for _, b, e in blocks(x, size)]).reshape(x.shape[0], -1)
    s = np.repeat(s, size, 1)[:, :x.shape[1]]
    return np.clip(np.rint(x / s), -top - 1, top) * s


WHOLE = 10**6
SCHEMES = {  # weights as rows of outputs, activations as rows of tokens; None: not quantized
    "FP8_DYNAMIC": (lambda w: by_block(w, w.shape[1], absmax_scale(448), E4M3)[0], lambda x: by_block(x, x.shape[1], absmax_scale(448), E4M3)[0]),
    "FP8_BLOCK": (lambda w: boxes(w, 128), lambda x: by_block(x, 128, absmax_scale(448), E4M3)[0]),
    "MXFP8": (lambda w: by_block(w, 32, mx_scale(448), E4M3)[0], lambda x: by_block(x, 32, mx_scale(448), E4M3)[0]),
    "MXFP4": (lambda w: by_block(w, 32, mx_scale(6), E2M1)[0], lambda x: by_block(x, 32, mx_scale(6), E2M1)[0]),
    "NVFP4": (nv, nv),
    "NF4": (nf4, None),
}


def quantized_run(tool, folder, scheme, x, w, flags=()):
    k, n = w.shape
    (folder / "m.mlir").write_text(f"""func.func @main(%x: tensor<?x{k}xf32> {{nn.name = "x"}}) -> (tensor<?x{n}xf32> {{nn.name = "y"}}) {{
  %w = nn.constant dense<"0x{w.tobytes().hex()}"> : tensor<{k}x{n}xf32>
  %y = nn.matmul %x, %w : (tensor<?x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<?x{n}xf32> loc("product")
  return %y : tensor<?x{n}xf32>
}}""")
    np.save(folder / "x.npy", x)
    tool("qopt", "quantize", folder / "m.mlir", "-o", folder / "q.mlirbc", *scheme, "--quiet", *flags)
    tool("qopt", "run", folder / "q.mlirbc", "--input", f"x={folder / 'x.npy'}", "-o", folder / "y.npz")
    return np.load(folder / "y.npz")["y"]


@pytest.mark.parametrize("name", SCHEMES)
def test_scheme(tool, tmp_path, name):
    weights, activations = SCHEMES[name]
    random = np.random.default_rng(7)
    x, w = random.standard_normal((9, 150), np.float32), random.standard_normal((150, 135), np.float32) * np.float32(0.1)
    got = quantized_run(tool, tmp_path, ["--scheme", name], x, w)
    want = (activations(x) if activations else x).astype(np.float64) @ weights(np.ascontiguousarray(w.T)).T.astype(np.float64)
    assert np.abs(got - want).max() <= 2e-6 * np.abs(want).max()


@pytest.mark.parametrize("name, size", [("W4AFP8", 0), ("W4A8", 127), ("W4A4", 7)])
def test_scheme_with_grouped_integer_weights(tool, tmp_path, name, size):
    """Activations against the oracle; weights as the weight-only scheme of the same format leaves them."""
    random = np.random.default_rng(8)
    x, w = random.standard_normal((9, 150), np.float32), random.standard_normal((150, 135), np.float32) * np.float32(0.1)

    def run_scheme(scheme, x):
        recipe = tmp_path / "r.yaml"
        recipe.write_text(f"stages:\n  - rtn: {{scheme: {scheme}}}\n")  # plain rounding, whatever else the shipped recipes do
        return quantized_run(tool, tmp_path, ["--recipe", recipe], x, w)

    decoded, got = run_scheme("W4A16", np.eye(150, dtype=np.float32)), run_scheme(name, x)
    a = integers(x, WHOLE, size) if size else by_block(x, x.shape[1], absmax_scale(448), E4M3)[0]
    want = a.astype(np.float64) @ decoded.astype(np.float64)
    assert np.abs(got - want).max() <= 2e-6 * np.abs(want).max()


def test_static_fp8(tool, tmp_path):
    random = np.random.default_rng(9)
    x, w = random.standard_normal((9, 150), np.float32), random.standard_normal((150, 135), np.float32) * np.float32(0.1)
    np.savez(tmp_path / "calibration.npz", x=x)
    got = quantized_run(tool, tmp_path, ["--scheme", "FP8"], 3 * x, w, ["--calibration-data", tmp_path / "calibration.npz"])
    sx, sw = (np.float32(np.abs(v).max() / np.float32(448)) for v in (x, w))
    want = (rounded(3 * x / sx, E4M3) * sx).astype(np.float64) @ (rounded(w / sw, E4M3) * sw).astype(np.float64)
    assert np.abs(got - want).max() <= 2e-6 * np.abs(want).max()
