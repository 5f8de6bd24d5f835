"""mixed_precision keeps its budget, predicts what numpy computes, and gets better with more bits."""
import json
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import onnx
import onnxruntime
import pytest

DECODER = pathlib.Path(__file__).resolve().parents[3] / "bench/memory/decoder.py"


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    sizes = {"layers": 2, "hidden": 256, "inner": 640, "heads": 4, "vocabulary": 500, "length": 32, "samples": 24}
    subprocess.run([sys.executable, DECODER, folder / "m.onnx", folder / "calib.npz", *(f"--{k}={v}" for k, v in sizes.items())], check=True)
    return folder


@pytest.fixture
def quantize(tool, decoder, tmp_path):
    def run(options, status=0, data=("--calibration-data", decoder / "calib.npz")):
        (tmp_path / "r.yaml").write_text(f"stages:\n  - mixed_precision: {{{options}, schemes: [W2A16, W4A16, W8A16]}}\n")
        done = tool("qopt", "quantize", decoder / "m.onnx", "-o", tmp_path / "q.mlirbc", "--recipe", tmp_path / "r.yaml",
                    *data, "--report", tmp_path / "report", status=status)
        return json.loads((tmp_path / "report/report.json").read_text()) if status == 0 else done.stderr

    return run


def decibels(signal, noise):
    return 10 * np.log10((signal**2).sum() / (noise**2).sum())


def test_budget_and_prediction(quantize, decoder, tool):
    """By statistics alone, which show what each op's own result loses."""
    tool("qopt", "calibrate", decoder / "m.onnx", "-o", decoder / "s.stats", "--gram", "--calibration-data", decoder / "calib.npz")
    report = quantize("bits_per_weight: 4.5", data=("--stats", decoder / "s.stats"))
    mixed = report["mixed_precision"]
    assert mixed["at"] == "ops" and any(r["code"] == "MIX-LOCAL" for r in report["remarks"])
    assert 4.0 < mixed["chosen"]["bits_per_weight"] <= 4.5 and len([n for n in mixed["counts"].values() if n]) >= 2
    bits = [point["bits_per_weight"] for point in mixed["frontier"]]
    sqnr = [point["sqnr_db"] for point in mixed["frontier"]]
    assert bits == sorted(bits) and sqnr == sorted(sqnr)
    assert mixed["chosen"]["sqnr_db"] <= mixed["bound"]["sqnr_db"] + 1e-9
    # The size, from the weights that the report counts: all linears, whose float bytes the model tells.
    model = onnx.load(decoder / "m.onnx")
    elements = sum(np.prod(t.dims) for t in model.graph.initializer if t.name.endswith(".weight"))
    kept = 4 * sum(np.prod(t.dims) for t in model.graph.initializer if not t.name.endswith(".weight") and t.data_type == 1)
    stored = (report["bytes_after"] - kept) * 8 / elements
    assert stored == pytest.approx(mixed["chosen"]["bits_per_weight"], rel=0.02)

    # The prediction for int8 per channel, from ONNX Runtime's activations.
    name = "layers.1.mlp.down"
    w = next(onnx.numpy_helper.to_array(t) for t in model.graph.initializer if t.name == name + ".weight")
    node = next(n for n in model.graph.node if n.name == name)
    model.graph.output.append(onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, None))
    onnx.save(model, decoder / "probe.onnx", save_as_external_data=True, location="probe.data")
    session = onnxruntime.InferenceSession(decoder / "probe.onnx")
    x = session.run([node.input[0]], dict(np.load(decoder / "calib.npz")))[0].reshape(-1, 640).astype(np.float64)
    scale = np.abs(w).max(0) / np.float32(127)
    rounded = np.clip(np.rint(w / scale), -127, 127) * scale
    row = next(d for d in report["remarks"] + report["decisions"] if d["site"] == name and d["code"] == "MIX-CHOSEN")
    predicted = float(re.search(r"W8A16 ([\d.]+) dB", row["reason"])[1])
    assert predicted == pytest.approx(decibels(x @ w, x @ (w - rounded)), abs=0.06)


def test_more_bits_are_better(quantize):
    def measured(bits):
        report = quantize(f"bits_per_weight: {bits}")
        assert report["mixed_precision"]["at"] == "outputs"
        return report["noise"]["outputs"][0]["accumulated_sqnr_db"]

    assert measured(3) + 3 < measured(5)


def plot(page):
    """The frontier's corners and the marks, as (x, y) on the page: y grows downwards."""
    svg = ElementTree.fromstring(re.search(r"<h2>Mixed precision</h2>.*?(<svg.*?</svg>)", page, re.S)[1])
    line = [tuple(map(float, corner.split())) for corner in re.split("[ML]", svg.find("path").get("d"))[1:]]
    return line, {c.get("class"): (float(c.get("cx")), float(c.get("cy"))) for c in svg.findall("circle")}


def test_least_size_for_a_noise(quantize, tmp_path):
    mixed = quantize("minimum_sqnr: 20")["mixed_precision"]
    line, marks = plot((tmp_path / "report/report.html").read_text())
    assert len(line) == len(mixed["frontier"]) and line == sorted(line) and [y for _, y in line] == sorted((y for _, y in line), reverse=True)
    xs, ys = zip(*line)
    assert marks["chosen"][1] >= np.interp(marks["chosen"][0], xs, ys) - 0.2  # nothing is better than the frontier
    assert (marks["measured"][1] < marks["chosen"][1]) == (mixed["measured"]["sqnr_db"] > mixed["chosen"]["sqnr_db"])
    assert mixed["chosen"]["sqnr_db"] >= 20
    cheaper = [p for p in mixed["frontier"] if p["bits_per_weight"] < mixed["bound"]["bits_per_weight"] - 1e-9]
    assert all(p["sqnr_db"] < 20 for p in cheaper)


def test_what_cannot_be_reached(quantize):
    message = quantize("bits_per_weight: 1.5", status=1)
    assert "asks for 1.50 bits per weight, but these schemes reach from 2." in message and "line 2" in message
