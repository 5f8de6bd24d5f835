"""Scales trained towards the float model's outputs, judged by ONNX Runtime on inputs that training has not seen."""
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

WIDTHS = (48, 96, 64, 20)
RECIPE = """schemes:
  s: {{weights: {{format: int3, granularity: group, group_size: 32}}}}
stages:
  - rtn: {{scheme: s}}
{rest}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A classifier of three products with gates between them, x of any length, and two files of inputs."""
    out, rng = tmp_path_factory.mktemp("distillation"), np.random.default_rng(4)
    save(out / "model.onnx", rng, "Sigmoid")
    save(out / "floors.onnx", rng, "Floor")
    mix = rng.standard_normal((WIDTHS[0], WIDTHS[0])) / 7
    for name, count in (("calib", 320), ("eval", 512)):
        np.savez(out / f"{name}.npz", x=(rng.standard_normal((count, WIDTHS[0])) @ mix).astype(np.float32))
    return out


def save(path, rng, gate):
    nodes, weights, at = [], [], "x"
    for i, shape in enumerate(zip(WIDTHS, WIDTHS[1:])):
        weights.append(numpy_helper.from_array((rng.standard_normal(shape) * 2 / np.sqrt(shape[0])).astype(np.float32), f"w{i}"))
        nodes.append(helper.make_node("MatMul", [at, f"w{i}"], [f"h{i}"], name=f"product{i}"))
        if i + 2 < len(WIDTHS):
            nodes += [helper.make_node(gate, [f"h{i}"], [f"g{i}"], name=f"gate{i}"), helper.make_node("Mul", [f"h{i}", f"g{i}"], [f"r{i}"])]
            at = f"r{i}"
    graph = helper.make_graph(nodes, "gated", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTHS[0]])],
                              [helper.make_tensor_value_info("h2", TensorProto.FLOAT, ["n", WIDTHS[-1]])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def run(path, folder):
    with np.load(folder / "eval.npz") as data:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return session.run(None, {"x": data["x"]})[0].astype(np.float64)


def divergence(wanted, got):
    def logs(x):
        x = x - x.max(-1, keepdims=True)
        return x - np.log(np.exp(x).sum(-1, keepdims=True))
    p, q = logs(wanted), logs(got)
    return float((np.exp(p) * (p - q)).sum(-1).mean())


def relative(wanted, got):
    return float(((got - wanted) ** 2).mean() / (wanted**2).mean())


def quantize(tool, folder, name, rest, *more, model="model.onnx", status=0):
    (folder / f"{name}.yaml").write_text(RECIPE.format(rest=rest))
    out = folder / f"{name}.onnx"
    return out, tool("qopt", "quantize", folder / model, "-o", out, "--recipe", folder / f"{name}.yaml", "--calibration-data",
                     folder / "calib.npz", "--noise-samples", "0", *more, status=status)


@pytest.mark.parametrize("loss, distance", [("kl", divergence), ("mse", relative)])
def test_training_brings_outputs_nearer(loss, distance, folder, tool):
    plain, _ = quantize(tool, folder, "plain", "")
    trained, _ = quantize(tool, folder, loss, f"  - distillation: {{loss: {loss}, epochs: 12, batch: 16, learning_rate: 0.01}}", "--json",
                          folder / f"{loss}.json")
    wanted = run(folder / "model.onnx", folder)
    before, after = distance(wanted, run(plain, folder)), distance(wanted, run(trained, folder))
    assert 0.01 < before and after < 0.8 * before, (before, after)
    report = json.dumps(json.loads((folder / f"{loss}.json").read_text()))
    assert "DISTILL-DONE" in report and "scales of 3 weights trained" in report
    same, other = (quantized_codes(p) for p in (plain, trained))
    assert all((a == b).all() for a, b in zip(same, other)) and len(same) == 3  # codes are as they were


def quantized_codes(path):
    model = onnx.load(path)
    constants = {i.name: i for i in model.graph.initializer}
    return [numpy_helper.to_array(constants[n.input[0]]).astype(np.int8) for n in model.graph.node
            if n.op_type == "DequantizeLinear" and n.input[0] in constants]


def test_threads_do_not_matter(folder, tool):
    rest = "  - distillation: {loss: kl, epochs: 2, batch: 16, learning_rate: 0.01}"
    files = [quantize(tool, folder, f"threads{n}", rest, "--threads", str(n))[0] for n in (1, 2)]
    first, second = ([numpy_helper.to_array(i) for i in onnx.load(f).graph.initializer] for f in files)
    assert all(np.array_equal(a, b) for a, b in zip(first, second)) and len(first) > 3


def test_training_that_does_not_help_changes_nothing(folder, tool):
    plain, _ = quantize(tool, folder, "plain", "")
    wild, _ = quantize(tool, folder, "wild", "  - distillation: {loss: kl, epochs: 1, batch: 16, learning_rate: 0.9}", "--json", folder / "wild.json")
    assert "DISTILL-KEPT" in (folder / "wild.json").read_text()
    np.testing.assert_array_equal(run(plain, folder), run(wild, folder))


def test_an_op_without_a_gradient_is_named(folder, tool):
    _, done = quantize(tool, folder, "steps", "  - distillation", model="floors.onnx", status=1)
    assert "gate1" in done.stderr and "gradient" in done.stderr and not (folder / "steps.onnx").exists()


def test_training_needs_samples(folder, tool):
    (folder / "r.yaml").write_text(RECIPE.format(rest="  - distillation"))
    done = tool("qopt", "quantize", folder / "model.onnx", "-o", folder / "none.onnx", "--recipe", folder / "r.yaml", status=2)
    assert "give --calibration-data" in done.stderr and not (folder / "none.onnx").exists()
    _, done = quantize(tool, folder, "one", "  - distillation", "--samples", "1", status=1)
    assert "there is only one: give more calibration data" in done.stderr


def test_biases_follow_trained_scales(folder, tool):
    """Runtimes fuse a bias whose scale is the product of the activation's and the weight's."""
    rng = np.random.default_rng(6)
    arrays = {"w": rng.standard_normal((48, 24)), "b": rng.standard_normal(24), "v": rng.standard_normal((24, 8))}
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="first"), helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("MatMul", ["r", "v"], ["y"], name="second")]
    graph = helper.make_graph(nodes, "biased", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 48])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])],
                              [numpy_helper.from_array(a.astype(np.float32), n) for n, a in arrays.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "biased.onnx")
    (folder / "biased.yaml").write_text("calibration: {method: minmax}\nstages:\n  - rtn: {scheme: W8A8}\n"
                                        "  - distillation: {epochs: 8, batch: 16, learning_rate: 0.003}\n")
    tool("qopt", "quantize", folder / "biased.onnx", "-o", folder / "int8.onnx", "--recipe", folder / "biased.yaml", "--calibration-data",
         folder / "calib.npz", "--json", folder / "biased.json")
    assert "DISTILL-DONE" in (folder / "biased.json").read_text()
    model = onnx.load(folder / "int8.onnx")
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    made = {n.output[0]: n for n in model.graph.node}
    x, w, b = (made[name] for name in next(n for n in model.graph.node if n.op_type == "Gemm").input)
    assert constants[b.input[0]].dtype == np.int32
    np.testing.assert_array_equal(constants[b.input[1]], (constants[x.input[1]] * constants[w.input[1]]).astype(np.float32))
