"""The passes on linalg and tosa, executed: each program of one linear op against numpy before and after quantization."""
import pathlib
import sys

import numpy as np
import pytest
from programs import PROGRAMS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "python" / "goldens"))
import gptq as oracle  # noqa: E402

W8A8 = """schemes:
  s: {weights: {format: int8, granularity: channel}, activations: {format: uint8, granularity: tensor, symmetric: false}}
calibration: {method: minmax}
stages: [SMOOTH{rtn: {scheme: s}}]
"""
INT4 = "schemes:\n  s: {weights: {format: int4, granularity: channel}}\nstages: [BEFORE{ALGORITHM: {scheme: s}}]\n"


class Program:
    def __init__(self, tool, folder, linear, samples=96):
        rng = np.random.default_rng(5)
        self.tool, self.folder, self.linear = tool, folder, linear
        k = linear.inner
        self.weight = rng.standard_normal((k, linear.outputs)).astype(np.float32)
        shape = (samples, *linear.sample)
        channels = shape[-1]
        mix = rng.standard_normal((channels, channels)) * np.exp(rng.standard_normal(channels))[:, None] / 4
        self.save((rng.standard_normal(shape) @ mix).astype(np.float32))
        (folder / "m.mlir").write_text(linear.text(self.weight))

    def save(self, x):
        self.x, self.columns = x, self.linear.columns(x)
        np.savez(self.folder / "x.npz", x=x)

    def run(self, name):
        """[positions, N]; a program of one batch runs sample by sample."""
        single = "tensor<1x16" in (self.folder / "m.mlir").read_text()
        outputs = []
        for i, batch in enumerate(self.x if single else [self.x]):
            np.savez(self.folder / "in.npz", x=batch[None] if single else batch)
            self.tool("qopt", "run", self.folder / name, "--input", self.folder / "in.npz", "-o", self.folder / "out.npz")
            outputs.append(np.load(self.folder / "out.npz")["y"].reshape(-1, self.linear.outputs))
            if i == 2:
                break
        return np.concatenate(outputs)

    def quantized(self, recipe, name="q.mlir"):
        (self.folder / "r.yaml").write_text(recipe)
        done = self.tool("qopt", "quantize", self.folder / "m.mlir", "-o", self.folder / name, "--recipe", self.folder / "r.yaml",
                         "--calibration-data", self.folder / "x.npz", "--noise-samples", "0")
        assert "1 quantized, 0 kept in float" in done.stdout + done.stderr
        return self.run(name)


@pytest.fixture(params=PROGRAMS)
def program(request, tool, tmp_path):
    return Program(tool, tmp_path, PROGRAMS[request.param])


def sqnr(exact, found):
    return 10 * np.log10(np.square(exact).sum() / np.square(exact - found).sum())


def rounded_activation(x, columns):
    low, high = min(float(x.min()), 0), max(float(x.max()), 0)
    scale = np.float32((high - low) / 255)
    zero = np.rint(-low / scale)
    return ((np.clip(np.rint(columns / scale) + zero, 0, 255) - zero) * scale).astype(np.float32)


def rounded_weight(w, top):
    scale = (np.abs(w).max(axis=0) / np.float32(top)).astype(np.float32)
    return (np.clip(np.rint(w / scale), -top, top) * scale).astype(np.float32)


def test_w8a8_is_what_numpy_predicts(program):
    exact = program.columns @ program.weight
    found = program.run("m.mlir")
    exact = exact[:len(found)]
    np.testing.assert_allclose(found, exact, atol=1e-4 * np.abs(exact).max())
    predicted = rounded_activation(program.x, program.columns) @ rounded_weight(program.weight, 127)
    quantized = program.quantized(W8A8.replace("SMOOTH", ""))
    assert 25 < sqnr(exact, quantized) < 60
    assert sqnr(predicted[:len(found)], quantized) > sqnr(exact, quantized) + 20
    assert abs(sqnr(exact, quantized) - sqnr(exact, predicted[:len(found)])) < 0.1


def test_gptq_is_the_papers(program):
    """On the calibration data itself the error of the outputs is the Hessian's loss."""
    exact = program.columns @ program.weight
    h = program.columns.astype(np.float64).T @ program.columns
    order = np.argsort(-np.diag(h), kind="stable")
    options = dict(low=-8, high=7, symmetric=True, group=0, order=order, static=True)
    wanted = program.columns @ oracle.gptq(program.weight.T, h, **options).T
    found = {name: program.quantized(INT4.replace("BEFORE", "").replace("ALGORITHM", name)) for name in ("rtn", "gptq", "rounding")}
    exact, wanted = exact[:len(found["rtn"])], wanted[:len(found["rtn"])]
    quality = {name: sqnr(exact, y) for name, y in found.items()}
    assert quality["gptq"] > quality["rtn"] + 1, quality
    assert quality["rounding"] > quality["rtn"] + 1, quality
    # Scales may differ by a choice between two code ranges; the loss may not.
    assert quality["gptq"] > sqnr(exact, wanted) - 0.5, (quality, sqnr(exact, wanted))


def test_outlier_channels_are_scaled(program):
    if not program.linear.scales_channels:
        pytest.skip("windows are not scaled: test/Dialect/Qopt/Transforms/upstream-channels.mlir")
    x = program.x.copy()
    x[..., 3] *= 200
    program.save(x)
    exact = program.columns @ program.weight
    plain = program.quantized(W8A8.replace("SMOOTH", ""))
    smoothed = program.quantized(W8A8.replace("SMOOTH", "{smoothquant: {alpha: 0.5}}, "))
    rtn = program.quantized(INT4.replace("BEFORE", "").replace("ALGORITHM", "rtn"))
    awq = program.quantized(INT4.replace("BEFORE", "{awq: {}}, ").replace("ALGORITHM", "rtn"))
    exact = exact[:len(plain)]
    # The outlier itself is most of the output: what counts is the noise.
    assert sqnr(exact, smoothed) > sqnr(exact, plain) + 3
    assert sqnr(exact, awq) > sqnr(exact, rtn) + 3
