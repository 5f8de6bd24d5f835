"""GPTQ through the driver against the paper's algorithm in numpy (python/goldens/gptq.py), on the same inputs."""
import json
import pathlib
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "python" / "goldens"))
import gptq as oracle  # noqa: E402


def chain(folder, widths):
    """Products with a Relu between them, and 700 inputs; returns the inputs and the weights."""
    rng = np.random.default_rng(11)
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in zip(widths, widths[1:])]
    nodes, at = [], "x"
    for i in range(len(weights)):
        nodes.append(helper.make_node("MatMul", [at, f"w{i}"], [f"h{i}"], name=f"product{i}"))
        at = f"r{i}"
        if i + 1 < len(weights):
            nodes.append(helper.make_node("Relu", [f"h{i}"], [at], name=f"relu{i}"))
    graph = helper.make_graph(nodes, "chain", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", widths[0]])],
                              [helper.make_tensor_value_info(f"h{len(weights) - 1}", TensorProto.FLOAT, ["n", widths[-1]])],
                              [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
    mix = rng.standard_normal((64, 64)) * np.exp(rng.standard_normal(64))[:, None] / 8
    x = (rng.standard_normal((700, 64)) @ mix).astype(np.float32)
    np.savez(folder / "calib.npz", x=x)
    return x, *weights


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gptq")
    return folder, *chain(folder, (64, 48, 40))


def dequantized(path):
    """The two weights as an exported QDQ model has them, in the order of the graph."""
    model = onnx.load(path)
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    weights = []
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        q, scale = constants[node.input[0]].astype(np.float64), constants[node.input[1]].astype(np.float64)
        zero = constants[node.input[2]].astype(np.float64) if len(node.input) > 2 and node.input[2] else np.zeros_like(scale)
        attributes = {a.name: a.i for a in node.attribute}
        if attributes.get("block_size"):
            scale, zero = (np.repeat(p, attributes["block_size"], axis=0)[: q.shape[0]] for p in (scale, zero))
        weights.append((q - zero) * scale)
    return weights


def quantized(tool, folder, name, recipe):
    (folder / f"{name}.yaml").write_text(recipe)
    out = folder / f"{name}.onnx"
    tool("qopt", "quantize", folder / "model.onnx", "-o", out, "--recipe", folder / f"{name}.yaml", "--calibration-data",
         folder / "calib.npz", "--quiet")
    return dequantized(out)


CASES = {
    "int8": ("{format: int8, granularity: channel}", dict(low=-127, high=127, symmetric=True, group=0)),
    "uint4": ("{format: uint4, granularity: group, group_size: 16, symmetric: false}", dict(low=0, high=15, symmetric=False, group=16)),
}


def recipe_of(weights, before=""):
    return f"schemes:\n  s: {{weights: {weights}}}\n{before}stages:\n  - gptq: {{scheme: s}}\n"


@pytest.mark.parametrize("case", CASES)
def test_equals_the_papers_algorithm(tool, setup, case):
    folder, x, first, second = setup
    text, options = CASES[case]
    ours = quantized(tool, folder, case, recipe_of(text))
    hidden = np.maximum(x @ first, 0)
    for weight, inputs, got in zip((first, second), (x, hidden), ours):
        h = inputs.astype(np.float64).T @ inputs
        order = np.argsort(-np.diag(h), kind="stable")
        wanted = oracle.gptq(weight.T, h, order=order, static=True, **options)
        same = np.isclose(got.T, wanted, rtol=0, atol=1e-5).mean()
        assert same > 0.995, same
        nearest = oracle.gptq(weight.T, np.eye(len(h)), order=order, static=True, **options)
        losses = [oracle.loss(weight.T, q, h) for q in (got.T, wanted, nearest)]
        assert losses[0] < 1.01 * losses[1] and losses[0] < 0.8 * losses[2], losses


def test_rounds_calibrate_on_what_is_quantized(tool, setup):
    """With two rounds the second product's Hessian is that of the first one's quantized outputs."""
    folder, x, first, second = setup
    text, options = CASES["uint4"]
    ours = quantized(tool, folder, "rounds", recipe_of(text, "calibration: {rounds: 2}\n"))
    hidden = np.maximum(x @ ours[0].astype(np.float32), 0)
    h = hidden.astype(np.float64).T @ hidden
    order = np.argsort(-np.diag(h), kind="stable")
    wanted = oracle.gptq(second.T, h, order=order, static=True, **options)
    assert np.isclose(ours[1].T, wanted, rtol=0, atol=1e-5).mean() > 0.995


def test_compensating_rounds_aim_at_the_float_models_product(tool, setup):
    """The second product's codes approach W x_f, where x_f is the float model's input and its own that of the quantized first one."""
    folder, x, first, second = setup
    text, options = CASES["uint4"]
    ours = quantized(tool, folder, "compensate", recipe_of(text, "calibration: {rounds: 2, compensate: true}\n"))
    plain = quantized(tool, folder, "rounds_only", recipe_of(text, "calibration: {rounds: 2}\n"))
    wanted, hidden = np.maximum(x @ first, 0).astype(np.float64), np.maximum(x @ ours[0], 0).astype(np.float64)
    h = hidden.T @ hidden
    dampened = h + 0.01 * np.diag(h).mean() * np.eye(len(h))
    target = second.T + ((wanted - hidden) @ second).T @ hidden @ np.linalg.inv(dampened)
    order = np.argsort(-np.diag(h), kind="stable")
    q = oracle.gptq(target.astype(np.float32), h, order=order, static=True, **options)
    assert np.isclose(ours[1].T, q, rtol=0, atol=1e-5).mean() > 0.995
    distance = [np.square(wanted @ second - hidden @ w).sum() for w in (ours[1], plain[1])]
    assert distance[0] < distance[1], distance


def test_compensation_spares_what_reads_the_same_part(tool, tmp_path):
    """Of four products in two parts the third makes up for the first two's errors; the fourth would do it once more, and does not."""
    x, *weights = chain(tmp_path, (64, 48, 48, 48, 40))
    text, options = CASES["uint4"]
    compensated, plain = (quantized(tool, tmp_path, name, recipe_of(text, f"calibration: {{rounds: 2{more}}}\n"))
                          for name, more in (("compensate", ", compensate: true"), ("rounds", "")))
    hidden = x
    for weight in (compensated[0], compensated[1], weights[2]):  # The third is in float when the part is calibrated.
        hidden = np.maximum(hidden @ weight.astype(np.float32), 0)
    h = hidden.astype(np.float64).T @ hidden
    wanted = oracle.gptq(weights[3].T, h, order=np.argsort(-np.diag(h), kind="stable"), static=True, **options)
    assert np.isclose(compensated[3].T, wanted, rtol=0, atol=1e-5).mean() > 0.995
    assert not np.allclose(compensated[2], plain[2])


def test_compensation_needs_rounds(tool, setup):
    folder = setup[0]
    (folder / "alone.yaml").write_text(recipe_of(CASES["uint4"][0], "calibration: {compensate: true}\n"))
    done = tool("qopt", "quantize", folder / "model.onnx", "-o", folder / "no.onnx", "--recipe", folder / "alone.yaml",
                "--calibration-data", folder / "calib.npz", status=1)
    assert "it goes with rounds of 2 or more" in done.stderr


def test_refits_lower_the_error(tool, setup):
    folder, x, first, _ = setup
    text, _ = CASES["uint4"]
    recipe = recipe_of(text)
    h = x.T.astype(np.float64) @ x
    losses = [oracle.loss(first.T, quantized(tool, folder, f"refit{n}", recipe.replace("{scheme: s}", f"{{scheme: s, refits: {n}}}"))[0].T, h)
              for n in (0, 1, 3)]
    assert losses[1] < 0.97 * losses[0] and losses[2] <= losses[1], losses


def test_actorder_dynamic_is_refused(tool, setup):
    folder = setup[0]
    (folder / "dynamic.yaml").write_text(recipe_of(CASES["uint4"][0]).replace("scheme: s}", "scheme: s, actorder: dynamic}"))
    done = tool("qopt", "quantize", folder / "model.onnx", "-o", folder / "no.onnx", "--recipe", folder / "dynamic.yaml",
                "--calibration-data", folder / "calib.npz", status=1)
    assert "actorder: dynamic scatters a group's columns" in done.stderr


@pytest.mark.parametrize("most, wide", [(48, ["product0"]), (47, ["product0", "product1"])])
def test_inputs_too_wide_for_a_gram_matrix_round_to_nearest(tool, setup, most, wide):
    folder, *_ = setup
    text, _ = CASES["int8"]
    plain = quantized(tool, folder, "nearest", recipe_of(text).replace("gptq", "rtn"))
    best = quantized(tool, folder, "all", recipe_of(text))
    (folder / "wide.yaml").write_text(recipe_of(text, f"calibration: {{max_columns: {most}}}\n"))
    tool("qopt", "quantize", folder / "model.onnx", "-o", folder / "wide.onnx", "--recipe", folder / "wide.yaml", "--calibration-data", folder / "calib.npz",
         "--json", folder / "wide.json")
    remarks = json.loads((folder / "wide.json").read_text())["remarks"]
    assert [r["site"] for r in remarks if r["code"] == "CALIB-WIDE"] == wide
    for i, weight in enumerate(dequantized(folder / "wide.onnx")):
        np.testing.assert_array_equal(weight, (plain if f"product{i}" in wide else best)[i])
        assert not np.array_equal(plain[i], best[i])
