"""Goldens for lib/Numerics/Stats by numpy, from the raw values. Usage: stats.py OUT_DIR"""
import pathlib
import sys

import numpy as np


def quantized_error(x, scale, low, high):
    return float(((np.clip(np.rint(x / scale), low, high) * scale - x) ** 2).sum())


def best_symmetric_clip(x, levels):
    """Least squared error over 2,000 clips, by quantizing every value."""
    high = (levels - 1) // 2
    tops = np.abs(x).max() * np.arange(1, 2001) / 2000
    errors = [quantized_error(x, top / high, high + 1 - levels, high) for top in tops]
    return tops[int(np.argmin(errors))], min(errors)


def kl_clip(magnitudes, width, levels):
    """TensorRT's calibration, written from the 2017 slides over a finished histogram of magnitudes."""
    best, best_kl = None, np.inf
    for kept in range(levels, len(magnitudes) + 1):
        p = magnitudes[:kept].astype(np.float64).copy()
        inside = p.copy()
        p[-1] += magnitudes[kept:].sum()
        q = np.zeros(kept)
        for level in range(levels):
            part = slice(level * kept // levels, (level + 1) * kept // levels)
            mask = inside[part] != 0
            if mask.any():
                q[part][mask] = inside[part].sum() / mask.sum()
        if ((p > 0) & (q == 0)).any() or inside.sum() == 0:
            continue
        live = p > 0
        kl = float((p[live] / p.sum() * np.log((p[live] / p.sum()) / (q[live] / q.sum()))).sum())
        if kl <= best_kl:  # ties: the widest
            best, best_kl = kept, kl
    return best * width


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    x = rng.laplace(size=20000).astype(np.float32)
    np.save(out / "stats_x.npy", x)
    clips = []
    for levels in (256, 16):
        clips += best_symmetric_clip(x.astype(np.float64), levels)
    np.save(out / "stats_mse.npy", np.array(clips))
    top = float(np.abs(x).max())
    width = 2.0 ** np.ceil(np.log2(top / 256))  # 512 bins in all
    magnitudes = np.bincount(np.where(x >= 0, np.floor(x / width), -np.floor(x / width) - 1).astype(int), minlength=256)
    magnitudes = np.trim_zeros(magnitudes, "b")
    np.save(out / "stats_kl.npy", np.array([kl_clip(magnitudes, width, 128), width]))
    rows = (rng.standard_normal((300, 130)) * 2.0 ** rng.integers(-8, 8, (300, 1))).astype(np.float32)
    np.save(out / "stats_rows.npy", rows)
    np.save(out / "stats_gram.npy", rows.astype(np.float64).T @ rows.astype(np.float64))
