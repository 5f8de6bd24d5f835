"""Least squares on activations, by numpy's lstsq: scales for given codes, weights for inputs that are off. Usage: refit.py OUT_DIR"""
import pathlib
import sys

import numpy as np

GROUP, DAMPENING = 32, 0.01


def refit(w, codes, x):
    """For each row the scales s that bring sum_g s_g (x_g codes_g) closest to x w."""
    groups = range(0, w.shape[1], GROUP)
    return np.array([np.linalg.lstsq(np.stack([x[:, g:g + GROUP] @ v[g:g + GROUP] for g in groups], 1), x @ row, rcond=None)[0]
                     for row, v in zip(w, codes)])


def refit_with_offsets(w, codes, x):
    """For each row the scales, then the offsets, that bring sum_g (s_g codes_g + o_g) x_g closest to x w."""
    groups = range(0, w.shape[1], GROUP)
    ones = np.stack([x[:, g:g + GROUP].sum(1) for g in groups], 1)
    return np.array([np.linalg.lstsq(np.concatenate([np.stack([x[:, g:g + GROUP] @ v[g:g + GROUP] for g in groups], 1), ones], 1), x @ row,
                                     rcond=None)[0] for row, v in zip(w, codes)])


def follow(w, x, x_float):
    """W' with least |x_float W^T - x W'^T|^2 + d |W' - W|^2."""
    d = DAMPENING * (x * x).sum(0).mean()
    left = np.vstack([x, np.sqrt(d) * np.eye(x.shape[1])])
    right = np.vstack([x_float @ w.T, np.sqrt(d) * w.T])
    return np.linalg.lstsq(left, right, rcond=None)[0].T


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(8)
    n, k, tokens = 40, 80, 400
    w = (rng.standard_normal((n, k)) * 0.05).astype(np.float32).astype(np.float64)
    x = rng.standard_normal((tokens, k)) @ (rng.standard_normal((k, k)) * np.exp(rng.standard_normal(k))[:, None])
    scales = np.stack([np.abs(w[:, g:g + GROUP]).max(1) / 7 for g in range(0, k, GROUP)], 1)
    codes = np.clip(np.rint(w / np.repeat(scales, GROUP, 1)[:, :k]), -8, 7)
    x_float = x + 0.3 * x @ rng.standard_normal((k, k)) / np.sqrt(k) + 0.1 * rng.standard_normal((tokens, k))
    for name, array in {"w": w.astype(np.float32), "h": x.T @ x, "start": scales.astype(np.float32),
                        "codes": codes.astype(np.float32), "scales": refit(w, codes, x),
                        "offsets": refit_with_offsets(w, codes, x),
                        "errors": (x_float - x).T @ x, "followed": follow(w, x, x_float)}.items():
        np.save(out / f"refit_{name}.npy", np.ascontiguousarray(array))
