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
