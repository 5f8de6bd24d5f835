"""What `qopt quantize -o OUT.onnx` writes, loaded by ONNX Runtime, against our own program of the same scheme."""
import collections

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from measure import onnx_runtime, worst_share
from onnx import TensorProto, helper, numpy_helper

SAMPLES, LENGTH, INPUTS, OUTPUTS = 4, 16, 384, 64


@pytest.fixture
def linear(tmp_path):
    """(a product and a bias, its input). 384 inputs are three groups of 128."""
    random = np.random.default_rng(0)
    weight, bias = (random.normal(size=size).astype(np.float32) for size in ((INPUTS, OUTPUTS), OUTPUTS))
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length", INPUTS])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "length", OUTPUTS])],
                              [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "linear.onnx")
    return tmp_path / "linear.onnx", {"x": random.normal(size=(SAMPLES, LENGTH, INPUTS)).astype(np.float32)}


def float_activations(path, feeds):
    """ONNX Runtime turns blocked dequantizes and their products into MatMulNBits by itself; level 1 leaves activations in float."""
    options = ort.SessionOptions()
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")
    options.optimized_model_filepath = str(path.with_suffix(".optimized.onnx"))
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    ops = collections.Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    return session.run(None, feeds)[0], ops


@pytest.mark.parametrize("scheme", ["W4A16", "W4A16_ASYM", "W8A16"])
def test_weights_alone(scheme, linear, tool, program, tmp_path):
    """Blocked DequantizeLinear of opset 21: the same function, fused into ONNX Runtime's kernel for it."""
    model, feeds = linear
    tool("qopt", "quantize", model, "--scheme", scheme, "-o", tmp_path / "q.onnx", "--quiet")
    own = program(model, scheme=scheme).run(feeds)["y"]
    assert worst_share(onnx_runtime(tmp_path / "q.onnx", feeds, exact=True)["y"], own) < 1e-6
    fused, ops = float_activations(tmp_path / "q.onnx", feeds)
    assert ops["MatMulNBits"] == 1 and ops["DequantizeLinear"] == 0, ops
    assert worst_share(fused, own) < 1e-6


@pytest.mark.parametrize("scheme", ["W2A16", "W3A16", "W4A8", "W4AFP8", "FP8", "FP8_DYNAMIC"])
def test_float_products(scheme, linear, tool, program, tmp_path):
    """Codes of other formats, whose products run in float there and here."""
    model, feeds = linear
    np.savez(tmp_path / "calibration.npz", **feeds)
    options = ["--calibration-data", tmp_path / "calibration.npz", "--allow-emulation", "--quiet"]
    tool("qopt", "quantize", model, "--scheme", scheme, "-o", tmp_path / "q.onnx", *options)
    own = program(model, *options, scheme=scheme).run(feeds)["y"]
    assert worst_share(onnx_runtime(tmp_path / "q.onnx", feeds, exact=True)["y"], own) < 1e-6


@pytest.mark.parametrize("exact", [True, False])
def test_scales_of_run_time(exact, linear, tool, program, tmp_path):
    """Scales per token in plain ops, the product as MatMulInteger: the same bits."""
    model, feeds = linear
    feeds["x"][1, 3] = 0  # a token of zeros has the scale one
    tool("qopt", "quantize", model, "--scheme", "W8A8_DYNAMIC", "-o", tmp_path / "q.onnx", "--quiet")
    own = program(model, scheme="W8A8_DYNAMIC").run(feeds)["y"]
    assert [node.op_type for node in onnx.load(tmp_path / "q.onnx").graph.node].count("MatMulInteger") == 1
    np.testing.assert_array_equal(onnx_runtime(tmp_path / "q.onnx", feeds, exact=exact)["y"], own)


@pytest.mark.parametrize("scheme, opset", [("W4A16", 21), ("W2A16", 25)])
def test_opset(scheme, opset, linear, tool, tmp_path):
    """As old as the element types allow, so that ONNX's own checker infers types through the model."""
    tool("qopt", "quantize", linear[0], "--scheme", scheme, "-o", tmp_path / "q.onnx", "--quiet")
    model = onnx.load(tmp_path / "q.onnx")
    assert model.opset_import[0].version == opset
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("scheme, sentence", [
    ("MXFP8", "scales of groups within a row, or scales that are codes, cannot be computed at run time"),
    ("NF4", "ONNX has no op for 'qopt.lookup'"),
])
def test_refused(scheme, sentence, linear, tool, tmp_path):
    done = tool("qopt", "quantize", linear[0], "--scheme", scheme, "-o", tmp_path / "q.onnx", "--quiet", status=1)
    assert sentence in done.stderr and not (tmp_path / "q.onnx").exists()


def test_fractional_zero_points_are_refused(linear, tool, tmp_path):
    (tmp_path / "r.yaml").write_text("schemes:\n  s: {weights: {format: uint4, granularity: group, group_size: 32, symmetric: false, "
                                     "zero_point_format: f32}}\nstages:\n  - rtn: {scheme: s}\n")
    done = tool("qopt", "quantize", linear[0], "--recipe", tmp_path / "r.yaml", "-o", tmp_path / "q.onnx", "--quiet", status=1)
    assert "DequantizeLinear has no zero points that are floats" in done.stderr and not (tmp_path / "q.onnx").exists()
