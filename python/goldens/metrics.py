"""Goldens for lib/Numerics/Metrics by numpy. Usage: metrics.py OUT_DIR"""
import pathlib
import sys

import numpy as np


def log_softmax(x):
    x = x.astype(np.float64)
    return x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(4)
    reference = (rng.standard_normal((40, 25)) * 5).astype(np.float32)
    test = (reference + rng.standard_normal((40, 25)) * 0.8).astype(np.float32)
    targets = rng.integers(0, 25, 40)
    r, t = reference.astype(np.float64), test.astype(np.float64)
    p, q = log_softmax(reference), log_softmax(test)
    values = [10 * np.log10((r**2).sum() / ((r - t) ** 2).sum()), (r * t).sum() / np.linalg.norm(r) / np.linalg.norm(t),
              np.abs(r - t).max(), np.abs(r - t).mean(), np.exp(-q[np.arange(40), targets].mean()),
              (np.exp(p) * (p - q)).sum(-1).mean(), (test.argmax(1) == targets).mean(),
              (test.argmax(1) == reference.argmax(1)).mean()]
    for name, array in {"reference": reference, "test": test, "targets": targets, "values": np.array(values)}.items():
        np.save(out / f"metrics_{name}.npy", array)
