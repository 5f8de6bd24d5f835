"""GPTQ to float and table formats under scales fixed ahead, in numpy and float64. Usage: gptq_formats.py OUT_DIR

Rounding is ml_dtypes' (NF4: the nearest of QLoRA's sixteen values); error feedback is the paper's, as in gptq.py.
"""
import pathlib
import sys

import ml_dtypes
import numpy as np

from gptq import loss, problem

NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0])
FLOATS = {"f4e2m1fn": (ml_dtypes.float4_e2m1fn, 6.0), "f8e4m3fn": (ml_dtypes.float8_e4m3fn, 448.0)}


def nearest(name, values):
    if name == "nf4":
        return NF4[np.abs(values[..., None] - NF4).argmin(-1)]
    dtype, top = FLOATS[name]
    return np.clip(values, -top, top).astype(np.float32).astype(dtype).astype(np.float64)


def scales_of(name, w, group):
    """max|w| over the greatest value, as float32: [rows, groups]."""
    top = 1.0 if name == "nf4" else FLOATS[name][1]
    groups = [np.abs(w[:, g:g + group]).max(1) for g in range(0, w.shape[1], group)]
    return (np.stack(groups, 1).astype(np.float32) / np.float32(top)).astype(np.float32)


def gptq(name, weight, hessian, group, scales=None, order=None, dampening=0.01):
    w, h = weight.astype(np.float64).copy(), hessian.astype(np.float64).copy()
    k = w.shape[1]
    group = group or k
    dead = np.diag(h) == 0
    mean = np.diag(h)[~dead].mean()
    h[dead, dead] = mean
    scales = scales_of(name, weight, group) if scales is None else scales
    columns = np.arange(k) if order is None else order
    h = h[columns][:, columns] + dampening * mean * np.eye(k)
    u = np.linalg.cholesky(np.linalg.inv(h)).T  # upper, H^-1 = U^T U
    w, out = w[:, columns], np.zeros_like(w)
    for i, column in enumerate(columns):
        scale = scales[:, column // group].astype(np.float64)
        q = nearest(name, w[:, i] / scale) * scale
        w[:, i:] -= np.outer((w[:, i] - q) / u[i, i], u[i, i:])
        out[:, column] = q
    return out


CASES = {"nf4": 64, "f4e2m1fn": 32, "f8e4m3fn": 0}

if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    w, x = problem(6, 90, 192, 700)
    h = x.T @ x
    np.save(out / "gptqf_w.npy", w)
    np.save(out / "gptqf_h.npy", h)
    for name, group in CASES.items():
        q = gptq(name, w, h, group)
        np.save(out / f"gptqf_{name}_q.npy", np.ascontiguousarray(q))
        np.save(out / f"gptqf_{name}_scales.npy", scales_of(name, w, group or w.shape[1]))
        np.save(out / f"gptqf_{name}_loss.npy", np.array([loss(w, q, h)]))
