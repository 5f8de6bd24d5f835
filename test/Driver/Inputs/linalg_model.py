"""The oracle of linalg-model.mlir: minmax ranges over the data, int8 weights by column, all in numpy."""
import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
W = np.array([[0.5, -0.25, 0.75], [1.0, 0.125, -0.5], [0.25, 0.75, 1.0], [-0.875, 0.25, 0.5], [-0.375, 0.625, 0.0], [0.75, -0.25, -1.0]], "f")
U = np.array([[0.5, -0.25], [1.0, 0.125], [-0.75, 0.5]], "f")


def activation(x, seen):
    low, high = min(float(seen.min()), 0), max(float(seen.max()), 0)
    scale = np.float32((high - low) / 255)
    zero = np.rint(-low / scale)
    return ((np.clip(np.rint(x / scale) + zero, 0, 255) - zero) * scale).astype("f")


def weight(w):
    scale = (np.abs(w).max(axis=0) / np.float32(127)).astype("f")
    return (np.clip(np.rint(w / scale), -127, 127) * scale).astype("f")


x = np.load(folder / "x.npz")["x"]
first = activation(x, x) @ weight(W)
expected = activation(first, x @ W) @ weight(U)
found, exact = (np.load(folder / f"{name}.npz")["y"] for name in ("q", "float"))
np.testing.assert_allclose(exact, x @ W @ U, atol=1e-5)
# A code of the second activation may round the other way where sums were taken in another order.
step = np.ptp(x @ W) / 255 * np.abs(U).max() * 1.01
assert np.abs(found - expected).max() <= step, np.abs(found - expected).max()
assert (np.abs(found - expected) < 1e-5).mean() > 0.95
assert np.abs(found - exact).max() > 1e-4
