"""Planted outliers: channels of 100 times the others' size, in the activations and in the weights."""
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

LOUD, HEAVY = [5, 17], [30, 41]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outliers")
    rng = np.random.default_rng(3)
    first, second = (rng.standard_normal(shape).astype(np.float32) for shape in ((64, 96), (96, 48)))
    first[HEAVY] *= 100
    nodes = [helper.make_node("MatMul", ["x", "w1"], ["h"], name="first"), helper.make_node("Relu", ["h"], ["r"], name="relu"),
             helper.make_node("MatMul", ["r", "w2"], ["y"], name="second")]
    graph = helper.make_graph(nodes, "outliers", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 48])],
                              [numpy_helper.from_array(first, "w1"), numpy_helper.from_array(second, "w2")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
    for name in ("calib", "eval"):
        x = rng.standard_normal((512, 64)).astype(np.float32)
        x[:, LOUD] *= 100
        np.savez(folder / f"{name}.npz", x=x)
    (folder / "plain.yaml").write_text("stages: [rtn: {scheme: W8A8}]\n")
    (folder / "smooth.yaml").write_text("stages: [smoothquant: {}, rtn: {scheme: W8A8}]\n")
    (folder / "weights.yaml").write_text("stages: [rtn: {scheme: W8A16}]\n")
    return folder


def quantized(tool, files, recipe):
    out, report = files / f"{recipe}.mlirbc", files / f"{recipe}.json"
    tool("qopt", "quantize", files / "model.onnx", "-o", out, "--recipe", files / f"{recipe}.yaml", "--calibration-data",
         files / "calib.npz", "--json", report, "--quiet")
    done = tool("qopt", "eval", out, "--reference", files / "model.onnx", "--data", files / "eval.npz", "--json", "-")
    return json.loads(done.stdout)["outputs"][0]["sqnr_db"], json.loads(report.read_text())


def test_smoothing_recovers_what_outliers_take(tool, files):
    plain, _ = quantized(tool, files, "plain")
    smooth, report = quantized(tool, files, "smooth")
    weights, _ = quantized(tool, files, "weights")
    assert plain < 10 and plain < weights - 6, (plain, weights)
    assert smooth > weights - 1, (smooth, weights)
    told = [r["reason"] for r in report["remarks"] if r["code"] == "SMOOTH-DONE" and r["site"] == "first"]
    assert told and all(f"{channel} (" in told[0] for channel in LOUD), told
