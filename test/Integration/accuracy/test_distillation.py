"""Scales trained towards the float model's outputs, judged by ONNX Runtime on inputs that training has not seen."""
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from measure import onnx_runtime, sqnr_db
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


CNN = """calibration: {{method: minmax}}
schemes:
  w4a8: {{weights: {{format: int4, granularity: channel}}, activations: {{format: uint8, granularity: tensor, symmetric: false}}}}
stages:
  - gptq: {{scheme: {scheme}}}
  - distillation: {{batch: 16, epochs: {epochs}, biases: {biases}}}
"""


@pytest.mark.parametrize("scheme, biases, gain", [("w4a8", "true", 1.5), ("W8A8", "false", 3)])
def test_a_cnn_comes_nearer_to_its_float_model(scheme, biases, gain, model, tool, tmp_path):
    """Images that neither calibration nor training has seen; ONNX Runtime runs all three programs."""
    source, calibration = model("resnet8_fmnist.onnx"), model("fmnist_calib.npz")
    with np.load(model("fmnist_eval.npz")) as data:
        images = data["input"][:1000]
    text = CNN.format(scheme=scheme, epochs=4, biases=biases)
    outputs = [onnx_runtime(source, {"input": images}, batch=100)["logits"]]
    for name, recipe in (("plain", text[:text.index("  - distillation")]), ("trained", text)):
        (tmp_path / f"{name}.yaml").write_text(recipe)
        tool("qopt", "quantize", source, "-o", tmp_path / f"{name}.onnx", "--recipe", tmp_path / f"{name}.yaml", "--calibration-data", calibration,
             "--noise-samples", "0", "--json", tmp_path / f"{name}.json")
        outputs.append(onnx_runtime(tmp_path / f"{name}.onnx", {"input": images}, batch=100)["logits"])
    assert f"scales of 10 weights{' and 10 biases' * (biases == 'true')} trained" in (tmp_path / "trained.json").read_text()
    wanted, plain, trained = outputs
    assert sqnr_db(wanted, trained) > sqnr_db(wanted, plain) + gain, (sqnr_db(wanted, plain), sqnr_db(wanted, trained))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """Two convolutions, and a product whose bias is an addition; the winner is an output too. `fixed.onnx` takes 12 images at once."""
    out, rng = tmp_path_factory.mktemp("classifier"), np.random.default_rng(8)
    arrays = {"k0": rng.standard_normal((8, 3, 3, 3)) / 5, "c0": rng.standard_normal(8) / 4, "k1": rng.standard_normal((8, 1, 3, 3)) / 3,
              "w": rng.standard_normal((8, 10)), "b": rng.standard_normal(10)}
    nodes = [helper.make_node("Conv", ["x", "k0", "c0"], ["h0"], name="first", pads=[1] * 4), helper.make_node("Relu", ["h0"], ["r0"]),
             helper.make_node("Conv", ["r0", "k1"], ["h1"], name="second", group=8), helper.make_node("GlobalAveragePool", ["h1"], ["p"]),
             helper.make_node("Flatten", ["p"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["m"], name="third"),
             helper.make_node("Add", ["m", "b"], ["y"]), helper.make_node("ArgMax", ["y"], ["best"], axis=1, keepdims=0)]
    for name, n in (("open", "n"), ("fixed", 12)):
        graph = helper.make_graph(nodes, "classifier", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n, 3, 12, 12])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n, 10]),
                                   helper.make_tensor_value_info("best", TensorProto.INT64, [n])],
                                  [numpy_helper.from_array(a.astype(np.float32), k) for k, a in arrays.items()])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), out / f"{name}.onnx")
    for name in ("calib", "eval"):
        np.savez(out / f"{name}.npz", x=rng.standard_normal((96, 3, 12, 12)).astype(np.float32))
    return out


def train(tool, folder, out, *more, biases="true", source="open.onnx", status=0):
    (out / "r.yaml").write_text(CNN.format(scheme="w4a8", epochs=6, biases=biases))
    return tool("qopt", "quantize", folder / source, "-o", out / "q.onnx", "--recipe", out / "r.yaml", "--calibration-data", folder / "calib.npz",
                "--noise-samples", "0", "--json", out / "q.json", *more, status=status)


def biases_of(path):
    """What the float or quantized model adds to the last product."""
    model = onnx.load(path)
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    add = next(n for n in model.graph.node if n.op_type == "Add")
    return next(constants[name] for name in add.input if name in constants)


def test_biases_stay_where_the_recipe_says_so(classifier, tool, tmp_path):
    train(tool, classifier, tmp_path, biases="false")
    report = (tmp_path / "q.json").read_text()
    assert "scales of 3 weights trained" in report and "DISTILL-OUTPUT" in report and "output best does not count in the loss" in report
    np.testing.assert_array_equal(biases_of(tmp_path / "q.onnx"), biases_of(classifier / "open.onnx"))
    train(tool, classifier, tmp_path)
    assert "scales of 3 weights and 2 biases trained" in (tmp_path / "q.json").read_text()
    assert (biases_of(tmp_path / "q.onnx") != biases_of(classifier / "open.onnx")).all()


def test_a_model_of_fixed_batch_is_trained_by_batches(classifier, tool, tmp_path):
    with np.load(classifier / "eval.npz") as data:
        feeds = {"x": data["x"]}
    wanted = onnx_runtime(classifier / "fixed.onnx", feeds, batch=12)["y"]
    train(tool, classifier, tmp_path, source="fixed.onnx")
    trained = sqnr_db(wanted, onnx_runtime(tmp_path / "q.onnx", feeds, batch=12)["y"])
    (tmp_path / "r.yaml").write_text(CNN.format(scheme="w4a8", epochs=1, biases="false").split("  - distillation")[0])
    tool("qopt", "quantize", classifier / "fixed.onnx", "-o", tmp_path / "plain.onnx", "--recipe", tmp_path / "r.yaml", "--calibration-data",
         classifier / "calib.npz")
    plain = sqnr_db(wanted, onnx_runtime(tmp_path / "plain.onnx", feeds, batch=12)["y"])
    assert trained > plain + 1, (plain, trained)
    done = train(tool, classifier, tmp_path, "--samples", "12", source="fixed.onnx", status=1)
    assert "the model takes 12 at a time: give 24 samples or more" in done.stderr
