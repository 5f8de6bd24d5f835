"""Numbers that arithmetic stumbles over. Each works, or is told in one sentence; what quantization makes of it stays near the float model."""
import json

import numpy as np
import pytest
from hostile_fixtures import save  # noqa: F401 (fixture)
from measure import Program
from onnx import TensorProto, helper, numpy_helper
from small_models import graph

SCHEMES = ["W8A8", "W8A8_DYNAMIC", "W8A16", "W4A16", "W4A16_ASYM", "NF4", "FP8", "MXFP4", "NVFP4"]
RNG = np.random.default_rng(3)
K, N = 128, 16
X = RNG.standard_normal((32, K)).astype(np.float32)
W = RNG.standard_normal((K, N)).astype(np.float32)


def linear(weight):
    declare = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
    return graph([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], [declare("x", weight.shape[0])], [declare("y", weight.shape[1])],
                 [numpy_helper.from_array(weight, "w")])


@pytest.fixture
def quantized(tool, tmp_path, save):  # noqa: F811
    """quantized(weight, x, *options): the outputs for x, and the report."""

    def run(weight, x, *options, status=0):
        path = save(linear(weight))
        np.savez(tmp_path / "x.npz", x=x)
        done = tool("qopt", "quantize", path, "-o", tmp_path / "q.mlir", "--calibration-data", tmp_path / "x.npz", "--json",
                    tmp_path / "r.json", *options, status=status)
        if status:
            return done.stderr
        return Program(tool.path("qopt"), tmp_path / "q.mlir", tmp_path).run({"x": x})["y"], (tmp_path / "r.json").read_text()

    return run


def changed(array, change):
    array = array.copy()
    change(array)
    return array


def put(index, value):
    def change(array):
        array[index] = value
    return change


WEIGHTS = {
    "zeros": np.zeros_like(W),
    "a group of zeros": changed(W, put(np.s_[32:64], 0)),
    "a channel of zeros": changed(W, put(np.s_[:, 3], 0)),
    "a constant": np.full_like(W, 0.37),
    "a negative constant": np.full_like(W, -0.37),
    "denormals": W * np.float32(1e-42),
    "below half precision": W * np.float32(1e-9),
    "huge": W * np.float32(1e30),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(name, scheme, quantized):
    weight = WEIGHTS[name]
    y, _ = quantized(weight, X, "--scheme", scheme)
    exact = X.astype(np.float64) @ weight
    assert np.isfinite(y).all()
    size = np.abs(exact).max()
    assert np.abs(y - exact).max() <= (0.35 * size if size > 1e-30 else 1e-36), (np.abs(y - exact).max(), size)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(value, scheme, quantized, tmp_path):
    """Such a weight stays in float, and the report says so."""
    weight = changed(W, put((7, 5), value))
    y, report = quantized(weight, X, "--scheme", scheme)
    assert "QUANT-WEIGHT" in report and "not finite" in report
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(X @ weight))


INPUTS = {
    "zeros": np.zeros_like(X),
    "a constant": np.full_like(X, 0.7),
    "one sample": X[:1],
    "identical samples": np.repeat(X[:1], 32, axis=0),
    "dead channels": changed(X, put(np.s_[:, ::2], 0)),
    "denormals": X * np.float32(1e-42),
    "huge": X * np.float32(1e30),
    "one outlier": changed(X, put((3, 3), 1e6)),
}


@pytest.mark.parametrize("algorithm", ["rtn", "gptq", "rounding", "smoothquant", "awq", "clip_search"])
@pytest.mark.parametrize("name", INPUTS)
def test_inputs(name, algorithm, quantized, tmp_path):
    x = INPUTS[name]
    activations = ", activations: {format: int8, granularity: token, dynamic: true}" if algorithm == "smoothquant" else ""
    scheme = f"{{weights: {{format: int8, granularity: channel}}{activations}}}"
    chooser = algorithm if algorithm in ("rtn", "gptq", "rounding") else "rtn"
    before = "" if chooser == algorithm else f"{{{algorithm}: {{}}}}, "
    (tmp_path / "r.yaml").write_text(f"schemes: {{s: {scheme}}}\nstages: [{before}{{{chooser}: {{scheme: s}}}}]\n")
    y, report = quantized(W, x, "--recipe", tmp_path / "r.yaml")
    exact = x.astype(np.float64) @ W
    assert np.isfinite(y).all()
    size = np.abs(exact).max()
    assert np.abs(y - exact).max() <= ((0.05 if activations else 0.02) * size if size > 1e-30 else 1e-36), (np.abs(y - exact).max(), size)
    if algorithm == "gptq" and name in ("one sample", "identical samples", "dead channels", "zeros"):
        codes = {"one sample": "GPTQ-RANK", "dead channels": "GPTQ-DEAD", "zeros": "GPTQ-", "identical samples": "GPTQ-"}
        assert codes[name] in report and "GPTQ-DONE" in report or "GPTQ-FAILED" in report, report[:3000]


@pytest.mark.parametrize("name", ["zeros", "a constant", "one sample", "identical samples", "dead channels", "denormals"])
def test_activations(name, quantized):
    x = INPUTS[name]
    y, _ = quantized(W, x, "--scheme", "W8A8")
    exact = x.astype(np.float64) @ W
    size = max(np.abs(exact).max(), 1e-36)
    assert np.isfinite(y).all() and np.abs(y - exact).max() <= 0.05 * size


@pytest.mark.parametrize("activations", ["{format: uint8, granularity: tensor, symmetric: false}", "{format: int8, granularity: token, dynamic: true}"])
def test_sums_beyond_int32(activations, quantized, tmp_path):
    """140,000 products of the largest codes: 4.5e9. The sum is exact in 32 bits up to K = 66,000 only; here it must not wrap."""
    weights = "{format: int8, granularity: channel}"
    (tmp_path / "r.yaml").write_text(f"schemes: {{s: {{weights: {weights}, activations: {activations}}}}}\nstages: [{{rtn: {{scheme: s}}}}]\n")
    k = 140_000
    x, weight = np.ones((2, k), np.float32), np.ones((k, 2), np.float32)
    y, report = quantized(weight, x, "--recipe", tmp_path / "r.yaml")
    np.testing.assert_allclose(y, k, rtol=0.01)
    assert json.loads(report)


def test_a_bias_beyond_int32(tool, tmp_path, save):  # noqa: F811
    """Tiny scales make the bias's codes larger than 32 bits: it is added in float instead."""
    declare = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
    weight, bias = W * np.float32(1e-6), np.full(N, 1e6, np.float32)
    path = save(graph([helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="product")], [declare("x", K)], [declare("y", N)],
                      [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")]))
    np.savez(tmp_path / "x.npz", x=X * np.float32(1e-6))
    tool("qopt", "quantize", path, "-o", tmp_path / "q.mlir", "--scheme", "W8A8", "--calibration-data", tmp_path / "x.npz", "--quiet")
    y = Program(tool.path("qopt"), tmp_path / "q.mlir", tmp_path).run({"x": X * np.float32(1e-6)})["y"]
    np.testing.assert_allclose(y, 1e6, rtol=0.01)
