"""AWQ's scale search and HQQ in numpy, float64, with activations rather than Gram matrices. Usage: awq.py OUT_DIR"""
import pathlib
import sys

import numpy as np


def fake_quantize(w, group, high=7):
    n, k = w.shape
    out = np.empty_like(w)
    for g in range(0, k, group):
        part = w[:, g:g + group]
        scale = (np.abs(part).max(1, keepdims=True) / high).astype(np.float32).astype(np.float64)
        out[:, g:g + group] = np.clip(np.rint(part / scale), -high - 1, high) * scale
    return out


def awq(w, x, group, steps=20):
    a = np.abs(x).mean(0)
    n, k = w.shape
    m = np.concatenate([np.abs(w[:, g:g + group]) / np.abs(w[:, g:g + group]).max(1, keepdims=True)
                        for g in range(0, k, group)], axis=1).mean(0)
    best = (((fake_quantize(w, group) - w) @ x.T) ** 2).sum(), 0.0, False, np.ones(k)
    plain = best[0]
    for i in range(steps):
        for duo in (False, True):
            r = i / steps
            s = a**r / ((m ** (1 - r) + 1e-4) if duo else 1)
            s = np.maximum(s, 1e-4)
            s = s / np.sqrt(s.max() * s.min())
            error = (((fake_quantize(w * s, group) / s - w) @ x.T) ** 2).sum()
            if error < best[0]:
                best = error, r, duo, s
    return plain, best


def hqq(w, group, iterations=20, p=0.7, beta=10.0, kappa=1.01):
    boxes = w.reshape(-1, group).astype(np.float64)
    low, high = np.minimum(boxes.min(1), 0), np.maximum(boxes.max(1), 0)
    s = ((high - low) / 15).astype(np.float32).astype(np.float64)[:, None]
    z = np.clip(np.rint(-low[:, None] / s), 0, 15)
    best_z, best_error = z.copy(), np.full(len(boxes), np.inf)
    for _ in range(iterations + 1):
        q = np.clip(np.rint(boxes / s + z), 0, 15)
        error = boxes - (q - z) * s
        mean = np.abs(error).mean(1)
        better = mean < best_error
        best_z[better], best_error[better] = z[better], mean[better]
        with np.errstate(divide="ignore"):
            e = np.sign(error) * np.maximum(np.abs(error) - np.abs(error) ** (p - 1) / beta, 0)
        z = (q - (boxes - e) / s).mean(1, keepdims=True)
        beta *= kappa
    return best_z[:, 0], best_error


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(6)
    w = (rng.standard_normal((48, 96)) * 0.05).astype(np.float32).astype(np.float64)
    x = rng.standard_normal((500, 96)) * np.exp(rng.standard_normal(96) * 1.2)
    plain, (error, ratio, duo, scales) = awq(w, x, 32)
    z, mean = hqq(w, 32)
    for name, array in {"w": w.astype(np.float32), "h": x.T @ x, "mean_abs": np.abs(x).mean(0).astype(np.float32),
                        "scales": scales, "summary": np.array([plain, error, ratio, float(duo)]),
                        "hqq_zero": z, "hqq_error": mean}.items():
        np.save(out / f"awq_{name}.npy", np.ascontiguousarray(array))
