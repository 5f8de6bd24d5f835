"""Goldens for lib/Numerics/Formats, by ml_dtypes and ONNX's reference evaluator. Usage: formats.py OUT_DIR"""
import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

FLOATS = {
    "f8e4m3fn": (ml_dtypes.float8_e4m3fn, TensorProto.FLOAT8E4M3FN),
    "f8e4m3fnuz": (ml_dtypes.float8_e4m3fnuz, TensorProto.FLOAT8E4M3FNUZ),
    "f8e5m2": (ml_dtypes.float8_e5m2, TensorProto.FLOAT8E5M2),
    "f8e5m2fnuz": (ml_dtypes.float8_e5m2fnuz, TensorProto.FLOAT8E5M2FNUZ),
    "f4e2m1fn": (ml_dtypes.float4_e2m1fn, None),
    "f6e3m2fn": (ml_dtypes.float6_e3m2fn, None),
    "f6e2m3fn": (ml_dtypes.float6_e2m3fn, None),
    "f16": (np.float16, None),
    "bf16": (ml_dtypes.bfloat16, None),
}
BITS = {"f4e2m1fn": 4, "f6e3m2fn": 6, "f6e2m3fn": 6, "f16": 16, "bf16": 16}
rng = np.random.default_rng(0)


def all_values(dtype, bits):
    storage = np.uint16 if bits > 8 else np.uint8
    return np.arange(2**bits).astype(storage).view(dtype).astype(np.float64)


def probes(values):
    """Every value, every midpoint of neighbours, the floats beside each, both signs, specials, and noise of all sizes."""
    finite = np.unique(values[np.isfinite(values)])
    if finite.size > 2000:
        finite = np.unique(np.concatenate([finite[:300], finite[-300:], rng.choice(finite, 1500)]))
    middle = (finite[1:] + finite[:-1]) / 2
    ends = np.array([finite[-1] + (finite[-1] - finite[-2]) * f for f in (0.25, 0.5, 0.75, 1, 2)])
    base = np.concatenate([finite, middle, ends, -ends]).astype(np.float32)
    near = np.concatenate([base, np.nextafter(base, np.float32(np.inf)), np.nextafter(base, np.float32(-np.inf))])
    noise = (rng.standard_normal(2000) * 2.0 ** rng.integers(-60, 60, 2000)).astype(np.float32)
    special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3.4e38, -3.4e38], np.float32)
    return np.concatenate([near, noise, special]).astype(np.float32)


def onnx_cast(x, to, saturate):
    node = helper.make_node("Cast", ["x"], ["y"], to=to, saturate=saturate)
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
                              [helper.make_tensor_value_info("y", to, [None])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)])
    return ReferenceEvaluator(model).run(None, {"x": x})[0]


def float_formats(out):
    for name, (dtype, onnx_type) in FLOATS.items():
        bits = BITS.get(name, 8)
        storage = np.uint16 if bits > 8 else np.uint8
        values = all_values(dtype, bits)
        x = probes(values)
        np.save(out / f"{name}_values.npy", values)
        np.save(out / f"{name}_x.npy", x)
        np.save(out / f"{name}_cast.npy", x.astype(dtype).view(storage))
        if onnx_type is not None:
            np.save(out / f"{name}_saturate.npy", onnx_cast(x, onnx_type, 1).view(np.uint8))
            np.save(out / f"{name}_nosaturate.npy", onnx_cast(x, onnx_type, 0).view(np.uint8))


def e8m0(out):
    np.save(out / "f8e8m0fnu_values.npy", all_values(ml_dtypes.float8_e8m0fnu, 8))
    exponents = rng.integers(-125, 127, 3000).astype(np.float64)
    x = np.concatenate([2.0**exponents * rng.uniform(1, 2, 3000), 2.0**exponents, 1.5 * 2.0**exponents]).astype(np.float32)
    np.save(out / "f8e8m0fnu_x.npy", x)
    for mode in ("nearest", "up", "down"):
        np.save(out / f"f8e8m0fnu_{mode}.npy", onnx.numpy_helper.to_float8e8m0(x, True, mode).view(np.uint8))
    np.save(out / "f8e8m0fnu_cast.npy", x.astype(ml_dtypes.float8_e8m0fnu).view(np.uint8))


INTS = {"int2": TensorProto.INT2, "uint2": TensorProto.UINT2, "int4": TensorProto.INT4, "uint4": TensorProto.UINT4,
        "int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int16": TensorProto.INT16, "uint16": TensorProto.UINT16}


def quantize_linear(x, scale, zero_point, onnx_type, **attributes):
    """ONNX QuantizeLinear then DequantizeLinear by the reference evaluator; codes come back as int32."""
    zp_type = helper.tensor_dtype_to_np_dtype(onnx_type)
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], **attributes),
             helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **attributes)]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [info("x", TensorProto.FLOAT, None), info("s", TensorProto.FLOAT, None),
                                           info("z", onnx_type, None)],
                              [info("q", onnx_type, None), info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)])
    q, y = ReferenceEvaluator(model).run(None, {"x": x, "s": scale, "z": zero_point.astype(zp_type)})
    return q.astype(np.int32), y


def affine(out):
    x = (rng.standard_normal((12, 50)) * 3).astype(np.float32)
    x.flat[:40] = np.arange(-20, 20) * 0.5  # ties
    np.save(out / "affine_x.npy", x)
    for name, onnx_type in INTS.items():
        dtype = helper.tensor_dtype_to_np_dtype(onnx_type)
        low, high = int(ml_dtypes.iinfo(dtype).min), int(ml_dtypes.iinfo(dtype).max)
        step = 12.0 / (high - low)
        cases = {"tensor": ((), {}), "axis0": ((12,), {"axis": 0}), "axis1": ((50,), {"axis": 1}),
                 "group": ((12, 4), {"axis": 1, "block_size": 16}), "group0": ((3, 50), {"axis": 0, "block_size": 5})}
        for case, (shape, attributes) in cases.items():
            scale = np.float32(0.5) if case == "tensor" else (step * rng.uniform(0.5, 1.5, shape)).astype(np.float32)
            zero = rng.integers(low, high + 1, shape)
            q, y = quantize_linear(x, np.asarray(scale), np.asarray(zero), onnx_type, **attributes)
            np.save(out / f"affine_{name}_{case}_scale.npy", np.atleast_1d(scale))
            np.save(out / f"affine_{name}_{case}_zero.npy", np.atleast_1d(zero).astype(np.int32))
            np.save(out / f"affine_{name}_{case}_q.npy", q)
            np.save(out / f"affine_{name}_{case}_y.npy", y)


MX = {"f8e4m3fn": 8, "f8e5m2": 15, "f6e3m2fn": 4, "f6e2m3fn": 2, "f4e2m1fn": 2}  # emax of OCP MX 1.0, table 1


def block_scaled(out):
    x = (rng.standard_normal((6, 80)) * 2.0 ** rng.integers(-6, 7, (6, 80))).astype(np.float32)  # 80 = 2.5 MX blocks
    x[2, 32:64] = 0
    np.save(out / "blocks_x.npy", x)
    for name, emax in MX.items():
        dtype = FLOATS[name][0]
        limit = float(ml_dtypes.finfo(dtype).max)
        codes, scales = np.zeros(x.shape, np.uint8), np.zeros((6, 3), np.uint8)
        y = np.zeros_like(x)
        for r in range(6):
            for b in range(3):
                piece = x[r, 32 * b:32 * b + 32].astype(np.float64)
                amax = np.abs(piece).max()
                exponent = int(np.clip(np.floor(np.log2(amax)) - emax, -127, 127)) if amax > 0 else -127
                q = np.clip(piece / 2.0**exponent, -limit, limit).astype(dtype)
                codes[r, 32 * b:32 * b + 32], scales[r, b] = q.view(np.uint8), exponent + 127
                y[r, 32 * b:32 * b + 32] = q.astype(np.float64) * 2.0**exponent
        np.save(out / f"mx_{name}_codes.npy", codes)
        np.save(out / f"mx_{name}_scales.npy", scales)
        np.save(out / f"mx_{name}_y.npy", y)
    tensor_scale = np.float32(np.abs(x).max()) / np.float32(448 * 6)
    blocks = x.reshape(6, 5, 16)
    amax = np.abs(blocks).max(-1)
    scales = (amax / np.float32(6) / tensor_scale).clip(0, 448).astype(ml_dtypes.float8_e4m3fn)
    scale = scales.astype(np.float32) * tensor_scale
    safe = np.where(scale > 0, scale, 1)[..., None]
    codes = np.where(scale[..., None] > 0, blocks / safe, 0).astype(np.float32).astype(ml_dtypes.float4_e2m1fn)
    np.save(out / "nvfp4_tensor_scale.npy", np.array([tensor_scale]))
    np.save(out / "nvfp4_scales.npy", scales.view(np.uint8))
    np.save(out / "nvfp4_codes.npy", codes.view(np.uint8).reshape(6, 80))
    np.save(out / "nvfp4_y.npy", (codes.astype(np.float32) * scale[..., None]).reshape(6, 80))


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for write in (float_formats, e8m0, affine, block_scaled):
        write(folder)
