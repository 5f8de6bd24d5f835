"""Every row of the kernel table against numpy, on ragged sizes and extreme values; integers to the bit.

A row that this CPU lacks is assembled only (test_assembles): what it computes is stated by the same emitter as the rows that run.
"""
import subprocess

import kernel_library as kl
import numpy as np
import pytest

SIZES = [(1, 1, 1), (1, 7, 5), (2, 3, 16), (5, 33, 17), (6, 64, 16), (7, 65, 31), (13, 5, 48), (50, 97, 33), (97, 400, 40), (3, 1601, 19),
         (1, 0, 3), (12, 16, 32), (11, 31, 64)]
F32 = [f for f in kl.FORMS if f.startswith("f32.")]
INT8 = [f for f in kl.FORMS if f.startswith("i8.")]
WEIGHT8 = [f for f in kl.FORMS if f.startswith("f32i8.")]
WEIGHT4 = [f for f in kl.FORMS if f.startswith("f32i4.")]


def needs(form):
    if not kl.runnable(form):
        pytest.skip(f"this CPU cannot run {form}")


def gemm(form, a, b, init, accumulator, unsigned=False):
    m, k, n = *a.shape, b.shape[1]
    c, intact = kl.guarded((m, n), accumulator, 77)
    kl.call(f"gemm:{form}" + (":u" if unsigned else ""), a, k, kl.pack(b, form), None if init is None else kl.pad_init(init, form), c, n, m, n, k)
    assert intact(), "wrote outside of c"
    return c


@pytest.mark.parametrize("form", F32)
@pytest.mark.parametrize("m, k, n", SIZES)
def test_f32_gemm(form, m, k, n):
    needs(form)
    random = np.random.default_rng(m * k + n)
    a, b = random.standard_normal((m, k), np.float32), random.standard_normal((k, n), np.float32)
    init = random.standard_normal(n, np.float32)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    bound = 1e-6 * (np.abs(a).astype(np.float64) @ np.abs(b) + np.abs(init)) + 1e-6
    assert (np.abs(gemm(form, a, b, None, np.float32) - exact) <= bound).all()
    assert (np.abs(gemm(form, a, b, init, np.float32) - (exact + init)) <= bound).all()


def test_f32_keeps_infinity_and_nan_in_their_rows():
    form = "f32.generic"
    a, b = np.ones((9, 4), np.float32), np.ones((4, 9), np.float32)
    a[2, 1], a[4, 0] = np.inf, np.nan
    c = gemm(form, a, b, None, np.float32)
    assert np.isinf(c[2]).all() and np.isnan(c[4]).all() and (np.delete(c, [2, 4], 0) == 4).all()


def int_gemm(form, a, b, init):
    """With the shift of signed activations undone in init, as qcpu-select-kernels does it."""
    if a.dtype == np.int8 and form in kl.SHIFTING:
        init = (np.zeros(b.shape[1], np.int32) if init is None else init) - 128 * b.astype(np.int32).sum(0, dtype=np.int32)
    return gemm(form, a, b, init, np.int32, a.dtype == np.uint8)


def weights(random, form, k, n, extreme):
    """Values that the form is made for: the bounded one is for pairs with |w0| + |w1| <= 128 only."""
    low, high = (-64, 64) if form.endswith(".bounded") else (-128, 127)
    return random.choice(np.array([low, high], np.int8), (k, n)) if extreme else random.integers(low, high + 1, (k, n)).astype(np.int8)


@pytest.mark.parametrize("form", INT8)
@pytest.mark.parametrize("kind", [np.uint8, np.int8])
@pytest.mark.parametrize("m, k, n", SIZES)
def test_int8_gemm_is_exact(form, kind, m, k, n):
    needs(form)
    random = np.random.default_rng(m * k + n)
    limits = np.iinfo(kind)
    for extreme in (False, True):
        b = weights(random, form, k, n, extreme)
        a = (random.choice(np.array([limits.min, limits.max], kind), (m, k)) if extreme
             else random.integers(limits.min, limits.max + 1, (m, k)).astype(kind))
        init = random.integers(-2**20, 2**20, n).astype(np.int32)
        exact = a.astype(np.int64) @ b.astype(np.int64)
        assert (int_gemm(form, a, b, None) == exact).all()
        assert (int_gemm(form, a, b, init) == exact + init).all()


@pytest.mark.parametrize("form", INT8)
@pytest.mark.parametrize("value", [-128, 127])
def test_int8_gemm_all_at_the_limit(form, value):
    needs(form)
    if form.endswith(".bounded"):
        value //= 2
    a, b = np.full((7, 513), 255, np.uint8), np.full((513, 33), value, np.int8)
    assert (int_gemm(form, a, b, None) == 255 * value * 513).all()


@pytest.mark.parametrize("form", WEIGHT8)
@pytest.mark.parametrize("group", [1, 32, 150, 10**6])
@pytest.mark.parametrize("m, k, n", SIZES)
def test_weight8_gemm(form, group, m, k, n):
    """Codes times scales that change every `group` elements along K: the same to the bit as the f32 kernel on decoded weights."""
    needs(form)
    random = np.random.default_rng(m * k + n)
    a, b = random.standard_normal((m, k), np.float32), random.integers(-128, 128, (k, n)).astype(np.int8)
    scales, init = random.standard_normal((-(-k // group), n), np.float32), random.standard_normal(n, np.float32)
    decoded = b.astype(np.float32) * scales[np.arange(k) // group]
    c, intact = kl.guarded((m, n), np.float32, 77)
    kl.call(f"gemm:{form}", a, k, kl.pack(b, form), kl.pack(scales, form), None, group, kl.pad_init(init, form), c, n, m, n, k)
    assert intact(), "wrote outside of c"
    assert (c == gemm(form.replace("f32i8", "f32"), a, decoded, init, np.float32)).all()


@pytest.mark.parametrize("form", WEIGHT4)
@pytest.mark.parametrize("zeros", ["none", "whole", "fractional"])
@pytest.mark.parametrize("group", [1, 32, 150, 10**6])
@pytest.mark.parametrize("m, k, n", SIZES)
def test_weight4_gemm(form, zeros, group, m, k, n):
    """The same with codes of 4 bits, less 8 or less a zero point of each column and group."""
    needs(form)
    random = np.random.default_rng(m * k + n)
    a, codes = random.standard_normal((m, k), np.float32), random.integers(0, 16, (k, n))
    groups = -(-k // group)
    scales, init = random.standard_normal((groups, n), np.float32), random.standard_normal(n, np.float32)
    zero = {"none": np.full((groups, n), 8), "whole": random.integers(0, 16, (groups, n)),
            "fractional": random.uniform(-4, 20, (groups, n))}[zeros].astype(np.float32)
    at = np.arange(k) // group
    decoded = (codes.astype(np.float32) - zero[at]) * scales[at]
    c, intact = kl.guarded((m, n), np.float32, 77)
    kl.call(f"gemm:{form}", a, k, kl.pack_nibbles(codes, form), kl.pack(scales, form), None if zeros == "none" else kl.pack(zero, form), group,
            kl.pad_init(init, form), c, n, m, n, k)
    assert intact(), "wrote outside of c"
    assert (c == gemm(form.replace("f32i4", "f32"), a, decoded, init, np.float32)).all()


@pytest.mark.parametrize("form", F32)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("m, k, n", SIZES)
def test_batch_matmul(form, transposed, m, k, n):
    needs(form)
    random = np.random.default_rng(m * k + n)
    a, b = random.standard_normal((m, k), np.float32), random.standard_normal((n, k) if transposed else (k, n), np.float32)
    right = b.T if transposed else b
    c, intact = kl.guarded((m, n), np.float32, 77)
    kl.call(f"batch{'_t' if transposed else ''}:{form}", a, k, b, b.shape[1], c, n, m, n, k)
    bound = 1e-6 * (np.abs(a).astype(np.float64) @ np.abs(right)) + 1e-6
    assert intact() and (np.abs(c - a.astype(np.float64) @ right) <= bound).all()


# height, width, channels, outputs, window, strides, dilations, pads (top, left, bottom, right)
CONVS = [(5, 6, 3, 8, (3, 3), (2, 2), (1, 1), (0, 0, 1, 1)), (7, 7, 16, 20, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
         (9, 4, 5, 3, (2, 3), (1, 2), (2, 1), (1, 0, 0, 2)), (6, 6, 8, 33, (1, 1), (2, 2), (1, 1), (0, 0, 0, 0)),
         (4, 5, 19, 7, (5, 5), (1, 1), (1, 1), (2, 2, 2, 2)), (3, 3, 300, 5, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1))]


def windows(x, window, strides, dilations, pads, pad):
    """rows × columns × taps × channels of the padded image."""
    padded = np.pad(x, ((pads[0], pads[2]), (pads[1], pads[3]), (0, 0)), constant_values=pad)
    reach = [(w - 1) * d + 1 for w, d in zip(window, dilations)]
    rows, cols = [(padded.shape[i] - reach[i]) // strides[i] + 1 for i in (0, 1)]
    taps = [padded[i * dilations[0]: i * dilations[0] + (rows - 1) * strides[0] + 1: strides[0],
                   j * dilations[1]: j * dilations[1] + (cols - 1) * strides[1] + 1: strides[1]]
            for i in range(window[0]) for j in range(window[1])]
    return np.stack(taps, 2)


def conv_arguments(x, rows, cols, row0, window, strides, dilations, pads, pad, stride_of_w):
    bits = int(np.array([pad], np.float32).view(np.int32)[0]) if x.dtype == np.float32 else int(pad)
    return [rows, cols, row0, 0, *x.shape, *window, *strides, *dilations, pads[0], pads[1], bits, 0, stride_of_w]


def run_conv(kind, form, x, w, init, n, shape, window, strides, dilations, pads, pad, accumulator):
    """The result in two tiles of rows, as a fused loop would ask for them."""
    rows, cols = shape
    c, intact = kl.guarded((rows, cols, n), accumulator, 77)
    unsigned = ":u" if x.dtype == np.uint8 else ""
    for row0, count in ((0, rows // 2), (rows // 2, rows - rows // 2)):
        kl.call(f"{kind}:{form}{unsigned}", x, w, init, c[row0:], n, n,
                *conv_arguments(x, count, cols, row0, window, strides, dilations, pads, pad, n))
    assert intact()
    return c


@pytest.mark.parametrize("form", F32 + INT8 + WEIGHT8)
@pytest.mark.parametrize("case", range(len(CONVS)))
def test_conv(form, case):
    needs(form)
    h, w, c, n, *window = CONVS[case]
    random = np.random.default_rng(case)
    for kind in ([np.uint8, np.int8] if form in INT8 else [np.float32]):
        integer = kind != np.float32
        x = random.integers(np.iinfo(kind).min, np.iinfo(kind).max + 1, (h, w, c)).astype(kind) if integer else random.standard_normal((h, w, c), np.float32)
        pad = 3 if integer else 0.0
        taps = windows(x, *window, pad)
        k = taps.shape[2] * c
        wide = np.int64 if integer else np.float64
        matrix = random.standard_normal((k, n), np.float32) if form in F32 else weights(random, form, k, n, False)
        init = (random.integers(-999, 999, n).astype(np.int32) if integer else random.standard_normal(n, np.float32))
        exact = taps.reshape(*taps.shape[:2], k).astype(wide) @ matrix.astype(wide) + init
        shifted = init - 128 * matrix.astype(np.int32).sum(0, dtype=np.int32) if kind == np.int8 and form in kl.SHIFTING else init
        got = run_conv("conv", form, x, kl.pack(matrix, form), kl.pad_init(shifted, form), n, taps.shape[:2], *window, pad, init.dtype)
        if integer:
            assert (got == exact).all()
        else:
            assert (np.abs(got - exact) <= 1e-5 * (np.abs(matrix).sum(0) + 1)).all()


DEPTHWISE = [(7, 7, 16, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)), (6, 9, 35, (3, 3), (2, 2), (1, 1), (0, 0, 1, 1)), (5, 5, 3, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
             (8, 5, 530, (5, 5), (1, 1), (1, 1), (2, 2, 2, 2)), (4, 11, 8, (1, 3), (1, 2), (1, 2), (0, 2, 0, 2))]


@pytest.mark.parametrize("form", F32 + INT8 + WEIGHT8)
@pytest.mark.parametrize("case", range(len(DEPTHWISE)))
def test_depthwise_conv(form, case):
    needs(form)
    h, w, c, *window = DEPTHWISE[case]
    random = np.random.default_rng(case)
    for kind in ([np.uint8, np.int8] if form in INT8 else [np.float32]):
        integer = kind != np.float32
        x = random.integers(np.iinfo(kind).min, np.iinfo(kind).max + 1, (h, w, c)).astype(kind) if integer else random.standard_normal((h, w, c), np.float32)
        pad = 3 if integer else 0.0
        taps = windows(x, *window, pad)
        wide = np.int64 if integer else np.float64
        matrix = random.standard_normal((taps.shape[2], c), np.float32) if form in F32 else random.integers(-128, 128, (taps.shape[2], c)).astype(np.int8)
        init = (random.integers(-999, 999, c).astype(np.int32) if integer else random.standard_normal(c, np.float32))
        exact = (taps.astype(wide) * matrix.astype(wide)).sum(2) + init
        got = run_conv("depthwise", form, x, matrix, init, c, taps.shape[:2], *window, pad, init.dtype)
        assert (got == exact).all() if integer else (np.abs(got - exact) <= 1e-5 * (np.abs(matrix).sum(0) + 1)).all()


@pytest.mark.parametrize("form, instruction", [("f32.avx512", "vfmadd231ps"), ("i8.avx512vnni", "vpdpbusd"), ("i8.avxvnni", "vpdpbusd"),
                                               ("i8.avx512.bounded", "vpmaddubsw"), ("i8.avx512", "vpmaddwd"),
                                               ("i8.avx2.bounded", "vpmaddubsw"), ("i8.avx2", "vpmaddwd"), ("f32.avx2", "vfmadd231ps")])
def test_assembles(form, instruction, tmp_path):
    features = {"avx512_vnni": "avx512vnni", "avx_vnni": "avxvnni"}
    flags = [f"-m{features.get(flag, flag)}" for flag in kl.FORMS[form][0] | {"avx2", "fma"}]
    ir = kl.emit_llvm([f"gemm:{form}:u" if form.startswith("i8") else f"gemm:{form}"], tmp_path)
    done = subprocess.run([kl.LLVM_BIN / "clang", "-O3", *flags, "-S", "-Wno-override-module", "-x", "ir", ir, "-o", "-"], capture_output=True, text=True, check=True)
    width = "zmm" if "avx512" in form else "ymm"
    assert sum(instruction in line and width in line for line in done.stdout.splitlines()) > 20
