"""Adam's steps in float64, by the paper's algorithm 1 with b2 = .99. Usage: adam.py OUT_DIR"""
import pathlib
import sys

import numpy as np

FIRST, SECOND, EPSILON = 0.9, 0.99, 1e-8

if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    x = rng.standard_normal(50).astype(np.float32)
    gradients = (rng.standard_normal((12, 50)) * np.exp(4 * rng.standard_normal(50))).astype(np.float32)
    gradients[:, 7] = 0
    rates = 0.01 / np.arange(1, 13)
    at, mean, square, steps = x.astype(np.float64), 0, 0, []
    for t, (g, rate) in enumerate(zip(gradients.astype(np.float64), rates), 1):
        mean, square = FIRST * mean + (1 - FIRST) * g, SECOND * square + (1 - SECOND) * g * g
        at = at - rate * (mean / (1 - FIRST**t)) / (np.sqrt(square / (1 - SECOND**t)) + EPSILON)
        steps.append(at)
    for name, array in {"x": x, "gradients": gradients, "rates": rates, "steps": np.stack(steps)}.items():
        np.save(out / f"adam_{name}.npy", np.ascontiguousarray(array))
