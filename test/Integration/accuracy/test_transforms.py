"""Stages that change the float model and not its function: the program they leave against the original in ONNX Runtime."""
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from measure import Program, onnx_runtime

EQUAL, TURN, SMOOTH = "equalization", "rotation: {seed: 3}", "smoothquant: {alpha: 0.5}"


def save(path, nodes, inputs, outputs, constants):
    infos = [[helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in side] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, "g", *infos, [numpy_helper.from_array(v, k) for k, v in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def transformed(tool, folder, model, *stages, data=None, scheme="W8A16", kind="mlir"):
    """The program after the stages and before rounding, and what it and the tool tell."""
    recipe, out = folder / "stages.yaml", folder / f"transformed.{kind}"
    recipe.write_text("stages:\n" + "".join(f"  - {s}\n" for s in stages) + f"  - rtn: {{scheme: {scheme}}}\n")
    feed = ["--calibration-data", data] if data else []
    done = tool("qopt", "quantize", model, "-o", out, "--recipe", recipe, "--compile-to", "transformed", "--quiet", *feed)
    return out, done.stderr + out.read_bytes().decode("latin-1")


def differences(tool, folder, model, changed, feeds):
    """Greatest difference over the output's reach, for each output."""
    wanted, got = onnx_runtime(model, feeds), Program(tool.path("qopt"), changed, folder).run(feeds)
    return {k: float(np.abs(got[k] - v).max() / np.abs(v).max()) for k, v in wanted.items()}


@pytest.fixture(scope="module")
def convnet(tmp_path_factory):
    """conv → relu → depthwise → relu → pool → conv → clip at 6 → fully connected, with channels of very different reach."""
    folder, rng = tmp_path_factory.mktemp("convnet"), np.random.default_rng(5)
    reach = np.exp2(rng.uniform(-6, 6, 24)).astype(np.float32)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    constants = {"w1": normal(24, 3, 3, 3) * reach[:, None, None, None], "b1": normal(24) * reach, "w2": normal(24, 1, 3, 3),
                 "b2": normal(24), "w3": normal(16, 24, 1, 1) / reach[:, None, None], "b3": normal(16), "low": np.float32(0),
                 "high": np.float32(6), "w4": normal(16, 10), "b4": normal(10)}
    nodes = [helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="first", pads=[1] * 4), helper.make_node("Relu", ["c1"], ["r1"]),
             helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], name="depthwise", group=24),
             helper.make_node("Relu", ["c2"], ["r2"]), helper.make_node("MaxPool", ["r2"], ["p"], kernel_shape=[2, 2]),
             helper.make_node("Conv", ["p", "w3", "b3"], ["c3"], name="project"), helper.make_node("Clip", ["c3", "low", "high"], ["k"], name="clip"),
             helper.make_node("GlobalAveragePool", ["k"], ["a"]), helper.make_node("Flatten", ["a"], ["f"]),
             helper.make_node("Gemm", ["f", "w4", "b4"], ["y"], name="classify")]
    save(folder / "convnet.onnx", nodes, [("x", TensorProto.FLOAT, ["n", 3, 16, 16])], [("y", TensorProto.FLOAT, ["n", 10])], constants)
    return folder, {"x": normal(4, 3, 16, 16)}


def test_equalization_keeps_the_function_and_says_which_pairs(tool, convnet):
    folder, feeds = convnet
    changed, told = transformed(tool, folder, folder / "convnet.onnx", EQUAL)
    assert max(differences(tool, folder, folder / "convnet.onnx", changed, feeds).values()) < 2e-6
    assert "equalized with the outputs of 'first'" in told and "equalized with the outputs of 'depthwise'" in told
    assert "'clip' is in the way: it clips at a bound that would have to differ from channel to channel" in told


def test_equalization_serves_one_scale_for_the_whole_weight(tool, convnet):
    """Channels of different reach under one scale: what the method is for."""
    folder, feeds = convnet
    np.savez(folder / "eval.npz", **feeds)
    scores = []
    for stages in ("", "  - equalization\n"):
        (folder / "t.yaml").write_text("schemes:\n  t: {weights: {format: int8, granularity: tensor}}\nstages:\n" + stages + "  - rtn: {scheme: t}\n")
        tool("qopt", "quantize", folder / "convnet.onnx", "-o", folder / "t.mlirbc", "--recipe", folder / "t.yaml", "--quiet")
        done = tool("qopt", "eval", folder / "t.mlirbc", "--reference", folder / "convnet.onnx", "--data", folder / "eval.npz", "--json", "-")
        scores.append(json.loads(done.stdout)["outputs"][0]["sqnr_db"])
    assert scores[1] > scores[0] + 10, scores


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    """Two layers of a language model: RMS norms from their parts, gated MLPs, attention by heads; 48 channels (12 * 4)."""
    folder, rng = tmp_path_factory.mktemp("decoder"), np.random.default_rng(7)
    size, hidden, heads, vocabulary = 48, 64, 4, 100
    constants = {"table": rng.standard_normal((vocabulary, size)), "two": np.array(2.0), "eps": np.array(1e-5),
                 "split": np.array([0, 0, heads, size // heads]), "join": np.array([0, 0, size]), "root": np.array((size // heads) ** -0.5)}
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x0"])]

    def node(op, inputs, name, **attributes):
        nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def weight(name, *shape):
        constants[name] = rng.standard_normal(shape) / np.sqrt(shape[0])
        return name

    def norm(x, name):
        constants[f"{name}.g"] = np.exp(rng.standard_normal(size))
        root = node("Sqrt", [node("Add", [node("ReduceMean", [node("Pow", [x, "two"], f"{name}.sq")], f"{name}.mean", axes=[-1]), "eps"],
                                  f"{name}.var")], f"{name}.rms")
        return node("Mul", [f"{name}.g", node("Div", [x, root], f"{name}.n")], name)

    def project(x, name, rows, columns):
        return node("MatMul", [x, weight(f"{name}.w", rows, columns)], name)

    def split(x, perm):
        return node("Transpose", [node("Reshape", [x, "split"], f"{x}.split")], f"{x}.t", perm=perm)

    stream = "x0"
    for i in range(2):
        n = norm(stream, f"l{i}.norm1")
        q, k, v = (split(project(n, f"l{i}.{p}", size, size), [0, 2, 3, 1] if p == "k" else [0, 2, 1, 3]) for p in "qkv")
        scores = node("Softmax", [node("Mul", [node("MatMul", [q, k], f"l{i}.qk"), "root"], f"l{i}.scaled")], f"l{i}.p", axis=-1)
        heads_out = node("Transpose", [node("MatMul", [scores, v], f"l{i}.pv")], f"l{i}.pvt", perm=[0, 2, 1, 3])
        o = project(node("Reshape", [heads_out, "join"], f"l{i}.joined"), f"l{i}.o", size, size)
        stream = node("Add", [stream, o], f"l{i}.x1")
        n = norm(stream, f"l{i}.norm2")
        gate, up = project(n, f"l{i}.gate", size, hidden), project(n, f"l{i}.up", size, hidden)
        silu = node("Mul", [gate, node("Sigmoid", [gate], f"l{i}.sig")], f"l{i}.silu")
        down = project(node("Mul", [silu, up], f"l{i}.act"), f"l{i}.down", hidden, size)
        stream = node("Add", [stream, down], f"l{i}.x2")
    nodes.append(helper.make_node("MatMul", [norm(stream, "last"), weight("head.w", size, vocabulary)], ["logits"], name="head"))
    constants = {k: np.asarray(v).astype(np.int64 if k in ("split", "join") else np.float32) for k, v in constants.items()}
    save(folder / "decoder.onnx", nodes, [("ids", TensorProto.INT64, ["b", "s"])], [("logits", TensorProto.FLOAT, ["b", "s", vocabulary])], constants)
    ids = rng.integers(0, vocabulary, (6, 20))
    np.savez(folder / "calib.npz", ids=ids)
    return folder, {"ids": ids}


@pytest.mark.parametrize("stage", [TURN, "rotation: {randomized: false}"])
def test_rotation_keeps_the_function(tool, decoder, stage):
    folder, feeds = decoder
    changed, told = transformed(tool, folder, folder / "decoder.onnx", stage)
    assert "the stream of 48 channels that it normalizes was turned by a Hadamard matrix" in told and "5 norms" in told, told[-3000:]
    assert max(differences(tool, folder, folder / "decoder.onnx", changed, feeds).values()) < 1e-5


def test_factors_are_folded_into_producers(tool, decoder):
    """Norm scales, v before o and up before down take all of SmoothQuant's factors: nothing is multiplied at run time."""
    folder, feeds = decoder
    changed, told = transformed(tool, folder, folder / "decoder.onnx", SMOOTH, data=folder / "calib.npz", scheme="W8A8")
    assert max(differences(tool, folder, folder / "decoder.onnx", changed, feeds).values()) < 1e-5
    assert told.count("FOLD-DONE") == 15 and "FOLD-MULTIPLY" not in told, told.count("FOLD-DONE")
    assert "went into the constants of 'l0.v'" in told and "went into the constants of 'l1.up'" in told


def test_all_of_them_together(tool, decoder):
    folder, feeds = decoder
    changed, told = transformed(tool, folder, folder / "decoder.onnx", TURN, EQUAL, SMOOTH, data=folder / "calib.npz", scheme="W8A8")
    assert max(differences(tool, folder, folder / "decoder.onnx", changed, feeds).values()) < 1e-5
    assert "ROTATE-DONE" in told and "EQUAL-REFUSED" in told and "FOLD-DONE" in told


def test_statistics_belong_to_the_rewritten_model(tool, decoder):
    folder, _ = decoder
    (folder / "r.yaml").write_text(f"stages:\n  - {TURN}\n  - {SMOOTH}\n  - rtn: {{scheme: W8A8}}\n")
    for recipe in ([], ["--recipe", folder / "r.yaml"]):
        tool("qopt", "calibrate", folder / "decoder.onnx", "--calibration-data", folder / "calib.npz", "-o", folder / "s.stats", *recipe, "--quiet")
        done = tool("qopt", "quantize", folder / "decoder.onnx", "-o", folder / "s.mlirbc", "--recipe", folder / "r.yaml", "--stats",
                    folder / "s.stats", "--quiet", status=0 if recipe else 1)
        assert bool(recipe) or "calibrate this one, with the same --recipe or --scheme, which changes its weights first" in done.stderr


def test_they_stand_before_what_reads_statistics(tool, decoder):
    folder, _ = decoder
    (folder / "late.yaml").write_text(f"stages:\n  - {SMOOTH}\n  - {TURN}\n  - rtn: {{scheme: W8A8}}\n")
    done = tool("qopt", "quantize", folder / "decoder.onnx", "-o", folder / "no.mlirbc", "--recipe", folder / "late.yaml", "--calibration-data",
                folder / "calib.npz", status=1)
    assert "late.yaml:3: rotation changes the tensors that smoothquant (line 2) has statistics of, so it must stand before it" in done.stderr


def test_rotation_of_smollm2(tool, model, tmp_path):
    path = model("smollm2_135m.onnx")
    ids = np.load(model("smollm2_eval.npz"))["input_ids"][:1, :64]
    changed, told = transformed(tool, tmp_path, path, TURN, kind="mlirbc")
    assert "the stream of 576 channels that it normalizes was turned by a Hadamard matrix with random signs of order 36 * 16" in told
    assert max(differences(tool, tmp_path, path, changed, {"input_ids": ids}).values()) < 1e-4
