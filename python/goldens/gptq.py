"""GPTQ as the paper has it (Algorithm 1: Cholesky of the inverse Hessian), in numpy and float64. Usage: gptq.py OUT_DIR"""
import pathlib
import sys

import numpy as np


def find_params(w, low, high, symmetric):
    least, greatest = np.minimum(w.min(1), 0), np.maximum(w.max(1), 0)
    if symmetric:
        scale = np.maximum(-least, greatest) / high
        return np.where(scale == 0, 1, scale).astype(np.float32).astype(np.float64), np.zeros(len(w))
    scale = ((greatest - least) / (high - low))
    scale = np.where(scale == 0, 1, scale).astype(np.float32).astype(np.float64)
    return scale, np.clip(np.rint(low - least / scale), low, high)


def gptq(weight, hessian, low, high, symmetric, group, order=None, static=False, dampening=0.01):
    w, h = weight.astype(np.float64).copy(), hessian.astype(np.float64).copy()
    n, k = w.shape
    dead = np.diag(h) == 0
    live_mean = np.diag(h)[~dead].mean()
    h[dead, dead] = live_mean
    group = group or k
    columns = np.arange(k) if order is None else order
    params = {}
    if static or group >= k:
        for g in range(0, k, group):
            params[g // group] = find_params(w[:, g:g + group], low, high, symmetric)
    w, h = w[:, columns], h[columns][:, columns]
    h += dampening * live_mean * np.eye(k)
    u = np.linalg.cholesky(np.linalg.inv(h)).T  # upper, H^-1 = U^T U
    q = np.zeros_like(w)
    for i in range(k):
        if not params or (not static and group < k and i % group == 0):
            params[i // group] = find_params(w[:, i:i + group], low, high, symmetric)
        scale, zero = params[(columns[i] if static else i) // group]
        q[:, i] = (np.clip(np.rint(w[:, i] / scale) + zero, low, high) - zero) * scale
        error = (w[:, i] - q[:, i]) / u[i, i]
        w[:, i:] -= np.outer(error, u[i, i:])
    out = np.zeros_like(q)
    out[:, columns] = q
    return out


def loss(w, q, h):
    d = w.astype(np.float64) - q
    return float(np.einsum("nk,kl,nl->", d, h, d))


def problem(seed, n, k, tokens):
    """A weight [n, k], and inputs [tokens, k] whose channels differ in size and depend on one another."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((n, k)).astype(np.float32)
    mix = rng.standard_normal((k, k)) * np.exp(rng.standard_normal(k))[:, None] / 8
    return w, rng.standard_normal((tokens, k)) @ mix


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    w, x = problem(5, 150, 320, 900)
    x[:, 17] = 0
    h = x.T @ x
    np.save(out / "gptq_w.npy", w)
    np.save(out / "gptq_h.npy", h)
    by_size = np.argsort(-np.diag(h), kind="stable")
    cases = {"row": dict(group=0, symmetric=True), "g64": dict(group=64, symmetric=True),
             "g128asym": dict(group=128, symmetric=False), "g24": dict(group=24, symmetric=False),
             "static": dict(group=64, symmetric=True, order=by_size, static=True),
             "dynamic": dict(group=64, symmetric=False, order=by_size)}
    for name, case in cases.items():
        low, high = (-8, 7) if case["symmetric"] else (0, 15)
        q = gptq(w, h, low, high, **case)
        np.save(out / f"gptq_{name}_q.npy", np.ascontiguousarray(q))
        np.save(out / f"gptq_{name}_loss.npy", np.array([loss(w, q, h)]))
