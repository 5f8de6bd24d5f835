"""mixed_precision goes by what errors do to the outputs: checked against numpy's rounding and ONNX Runtime's float program."""
import itertools
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from measure import sqnr_db
from onnx import TensorProto, helper, numpy_helper

WIDTHS = {"first": (48, 96), "second": (96, 64), "classes": (64, 20), "values": (64, 8)}
SCHEMES = """schemes:
  g3: {weights: {format: int3, granularity: group, group_size: 16}}
  g4: {weights: {format: int4, granularity: group, group_size: 16}}
  c8: {weights: {format: int8, granularity: channel}}
  g8: {weights: {format: int8, granularity: group, group_size: 16}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two gated layers and two outputs of very different sizes; x of any length. In calm.onnx they are of one size, as logits;
    in floors.onnx the second gate has no gradient; fixed.onnx takes 32 rows, no more and no fewer."""
    out, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(4)
    weights = {name: (rng.standard_normal(shape) * 2 / np.sqrt(shape[0])).astype(np.float32) for name, shape in WIDTHS.items()}
    save(out / "calm.onnx", weights, "Sigmoid")
    weights["values"] *= 40
    np.savez(out / "weights.npz", **weights)
    save(out / "model.onnx", weights, "Sigmoid")
    save(out / "floors.onnx", weights, "Floor")
    save(out / "fixed.onnx", weights, "Sigmoid", batch=32)
    mix = rng.standard_normal((48, 48)) / 7
    for name, count in (("calib", 256), ("eval", 512)):
        np.savez(out / f"{name}.npz", x=(rng.standard_normal((count, 48)) @ mix).astype(np.float32))
    return out


def save(path, weights, gate, batch="n"):
    nodes, at = [], "x"
    for name, kind in (("first", "Sigmoid"), ("second", gate)):
        nodes += [helper.make_node("MatMul", [at, f"{name}.w"], [name], name=name), helper.make_node(kind, [name], [f"{name}.g"], name=f"{name}.gate"),
                  helper.make_node("Mul", [name, f"{name}.g"], [f"{name}.r"])]
        at = f"{name}.r"
    nodes += [helper.make_node("MatMul", [at, f"{name}.w"], [name], name=name) for name in ("classes", "values")]
    graph = helper.make_graph(nodes, "gated", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 48])],
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, WIDTHS[name][1]]) for name in ("classes", "values")],
                              [numpy_helper.from_array(w, f"{name}.w") for name, w in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.fixture
def quantize(tool, folder):
    """quantize(stages, …): the report; with `status`, what the tool says."""

    def run(stages, *more, data=("--calibration-data", "calib.npz"), model="model.onnx", status=0, out="q.mlirbc"):
        (folder / "r.yaml").write_text(SCHEMES + stages)
        done = tool("qopt", "quantize", folder / model, "-o", folder / out, "--recipe", folder / "r.yaml", data[0], folder / data[1], "--json",
                    folder / "r.json", *more, status=status)
        return json.loads((folder / "r.json").read_text()) if status == 0 else done.stderr

    return run


def mixed(options, schemes="g3, g4, c8"):
    return f"stages:\n  - mixed_precision: {{{options}, schemes: [{schemes}]}}\n"


def chosen(report):
    """{op: scheme}, from the record."""
    rows = {d["site"]: d["reason"].split(" of ")[0] for d in report["remarks"] + report["decisions"] if d["code"] == "MIX-CHOSEN"}
    assert rows
    return rows


def remark(report, code):
    return next((d["reason"] for d in report["remarks"] + report["decisions"] if d["code"] == code), None)


def nearest(picks):
    """A recipe that rounds to nearest what mixed_precision has chosen."""
    first = next(iter(picks.values()))
    return f"stages:\n  - rtn: {{scheme: {first}}}\noverrides:\n" + "".join(f'  - {{match: "{op}", scheme: {s}}}\n' for op, s in picks.items())


def run_float(folder, name="model.onnx"):
    session = onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
    with np.load(folder / "eval.npz") as data:
        return dict(zip([o.name for o in session.get_outputs()], session.run(None, {k: data[k] for k in data.files})))


def forward(weights, x):
    gated = lambda h: h / (1 + np.exp(-h))  # noqa: E731
    h = gated(gated(x @ weights["first"]) @ weights["second"])
    return {name: h @ weights[name] for name in ("classes", "values")}


def rounded(w, scheme):
    """To nearest, by groups of 16 rows or whole columns. Of few bits the value of greatest magnitude has the least code (docs/formats.md)."""
    parts = w.reshape(-1, 16 if scheme != "c8" else len(w), w.shape[1])
    peak = np.take_along_axis(parts, np.abs(parts).argmax(1, keepdims=True), 1)
    least, top = {"g3": (-4, 3), "g4": (-8, 7), "c8": (-127, 127)}[scheme]
    scale = peak / least
    return (np.clip(np.rint(parts / scale), least, top) * scale).reshape(w.shape)


def relative(wanted, got):
    """What mixed precision makes least: noise over signal, the mean over the outputs."""
    return float(np.mean([10 ** (-sqnr_db(wanted[name], got[name]) / 10) for name in wanted]))


def decibels(noise):
    return -10 * np.log10(noise)


def divergence(wanted, got):
    def logs(x):
        x = x.astype(np.float64) - x.max(-1, keepdims=True)
        return x - np.log(np.exp(x).sum(-1, keepdims=True))

    return float(sum((np.exp(logs(wanted[k])) * (logs(wanted[k]) - logs(got[k]))).sum(-1).mean() for k in wanted))


@pytest.fixture(scope="module")
def assignments(folder):
    """By the four ops' schemes: (bits per weight, noise at the outputs), for all 81; evaluated in numpy on inputs that no tool has seen."""
    weights = {k: v.astype(np.float64) for k, v in np.load(folder / "weights.npz").items()}
    x = np.load(folder / "eval.npz")["x"].astype(np.float64)
    wanted = forward(weights, x)
    scores = {}
    for schemes in itertools.product(("g3", "g4", "c8"), repeat=4):
        picks = dict(zip(WIDTHS, schemes))
        bits = sum(w.size * {"g3": 5, "g4": 6}.get(picks[op], 8 + 32 / len(w)) for op, w in weights.items()) / sum(w.size for w in weights.values())
        scores[schemes] = (bits, relative(wanted, forward({op: rounded(w, picks[op]) for op, w in weights.items()}, x)))
    return scores


@pytest.mark.parametrize("budget", [5.6, 6, 6.5, 7.2])
def test_the_choice_is_about_the_best_there_is(budget, quantize, assignments):
    report = quantize(mixed(f"bits_per_weight: {budget}, samples: 256"))
    picks, result = chosen(report), report["mixed_precision"]
    bits, noise = assignments[tuple(picks[op] for op in WIDTHS)]
    assert result["at"] == "outputs" and remark(report, "MIX-LOCAL") is None
    assert bits <= budget and bits == pytest.approx(result["chosen"]["bits_per_weight"], abs=0.01)
    assert abs(decibels(noise) - result["chosen"]["sqnr_db"]) < 1, (decibels(noise), result["chosen"])
    affordable = sorted(n for b, n in assignments.values() if b <= budget)
    assert noise <= 1.25 * affordable[0], (picks, affordable[:4])
    if budget == 6:  # Uniform precision of the same bits.
        assert noise < assignments[("g4",) * 4][1] or set(picks.values()) == {"g4"}


def test_a_fixed_batch_shows_the_same(quantize):
    one, many = (quantize(mixed("bits_per_weight: 6, samples: 256", "g4, W8A8"), model=name) for name in ("model.onnx", "fixed.onnx"))
    assert chosen(one) == chosen(many)
    assert abs(one["mixed_precision"]["chosen"]["sqnr_db"] - many["mixed_precision"]["chosen"]["sqnr_db"]) < 1
    assert many["mixed_precision"]["at"] == "outputs" and many["mixed_precision"]["measured"]["samples"] == 32


@pytest.mark.parametrize("schemes", ["W8A8_DYNAMIC, W8A8", "FP8_DYNAMIC, W8A16", "MXFP8, W8A8_DYNAMIC", "NF4, W8A8"])
def test_activations_count(schemes, quantize, folder, program):
    """Static, dynamic and float formats: the prediction is that of the program that rounds to nearest."""
    report = quantize(mixed("minimum_sqnr: 5, samples: 256", schemes))
    result = report["mixed_precision"]
    quantize(nearest(chosen(report)), out="nearest.mlirbc")
    wanted = run_float(folder)
    got = program.of(folder / "nearest.mlirbc").run(dict(np.load(folder / "eval.npz")))
    assert abs(decibels(relative(wanted, got)) - result["chosen"]["sqnr_db"]) < 1.5, result["chosen"]


def test_divergence(quantize, folder, program):
    report = quantize(mixed("maximum_divergence: 0.02, samples: 256"), model="calm.onnx")
    result = report["mixed_precision"]
    assert 0.005 < result["chosen"]["divergence"] <= 0.02 == result["limit"]
    quantize(nearest(chosen(report)), model="calm.onnx", out="nearest.mlirbc")
    got = program.of(folder / "nearest.mlirbc").run(dict(np.load(folder / "eval.npz")))
    assert 0.7 < divergence(run_float(folder, "calm.onnx"), got) / result["chosen"]["divergence"] < 1.4
    assert result["measured"]["divergence"] <= 0.02 and remark(report, "MIX-MISSED") is None


def test_time_is_a_cost(quantize):
    """One row a sample: weights of a byte are fetched four times as fast, and coded ones must be decoded."""
    report = quantize(mixed("relative_latency: 0.5", "W8A16, W8A8"), "--target", "avx512vnni")
    result = report["mixed_precision"]
    assert 0.25 <= result["chosen"]["relative_latency"] <= 0.5 and result["counts"]["W8A8"] > 0
    fast = quantize(mixed("minimum_sqnr: 20, minimize: latency", "W8A16, W8A8"), "--target", "avx512vnni")["mixed_precision"]
    small = quantize(mixed("minimum_sqnr: 20", "W8A16, W8A8"))["mixed_precision"]
    assert fast["chosen"]["relative_latency"] < 0.5 and "bits_per_weight" in small["bound"]


def test_a_bound_that_is_missed_is_said(quantize, folder):
    """The errors of static activations are as large on small samples as on the first one, which alone is probed."""
    rng = np.random.default_rng(9)
    x = rng.standard_normal((8, 48)).astype(np.float32)
    x[1:] *= 0.01
    np.savez(folder / "uneven.npz", x=x)
    report = quantize(mixed("minimum_sqnr: 34, samples: 1", "W8A8, g8"), data=("--calibration-data", "uneven.npz"))
    text = remark(report, "MIX-MISSED")
    assert text and "34.0 dB asked for" in text and "was measured over 8 samples; ask for" in text


def test_without_gradients_ops_are_judged_by_themselves(quantize):
    report = quantize(mixed("bits_per_weight: 6"), model="floors.onnx")
    assert report["mixed_precision"]["at"] == "ops" and "second.gate" in remark(report, "MIX-LOCAL")


def test_statistics_alone(quantize, tool, folder):
    tool("qopt", "calibrate", folder / "model.onnx", "-o", folder / "s.stats", "--gram", "--calibration-data", folder / "calib.npz")
    stats = ("--stats", "s.stats")
    report = quantize(mixed("bits_per_weight: 6"), data=stats)
    assert report["mixed_precision"]["at"] == "ops" and "give --calibration-data" in remark(report, "MIX-LOCAL")
    for options, schemes, said in (("relative_latency: 0.5", "W8A16, W8A8", "tells time by how long the samples are: give --calibration-data"),
                                   ("maximum_divergence: 1", "W8A16, W4A16", "has no divergence to go by"),
                                   ("bits_per_weight: 8.5", "W8A16, W8A8_DYNAMIC", "--calibration-data is needed")):
        assert said in quantize(mixed(options, schemes), data=stats, status=1), options


def test_bounds_that_contradict(quantize):
    for options, said in (("bits_per_weight: 5, minimum_sqnr: 20", "has bits_per_weight and minimum_sqnr"),
                          ("bits_per_weight: 5, minimize: latency", "minimize says what to save where the outputs have a bound"),
                          ("minimum_sqnr: 20, loss: kl", "minimum_sqnr bounds mse, not kl")):
        assert said in quantize(mixed(options), status=1), options


def test_a_real_model(tool, model, program, tmp_path):
    """ResNet-8: convolutions with static activations, predicted to 3 dB of what ONNX Runtime's float program and rounding to nearest show."""
    source, calib, held = (model(name) for name in ("resnet8_fmnist.onnx", "fmnist_calib.npz", "fmnist_eval.npz"))
    schemes = "schemes:\n  t4: {weights: {format: int4, granularity: channel}, activations: {format: uint8, granularity: tensor, symmetric: false}}\n"

    def run(name, stages):
        (tmp_path / "r.yaml").write_text(schemes + stages)
        tool("qopt", "quantize", source, "-o", tmp_path / name, "--recipe", tmp_path / "r.yaml", "--calibration-data", calib, "--samples", "64",
             "--json", tmp_path / "r.json")
        return json.loads((tmp_path / "r.json").read_text())

    report = run("q.mlirbc", mixed("bits_per_weight: 6", "t4, W8A8"))
    result = report["mixed_precision"]
    assert result["at"] == "outputs" and len([n for n in result["counts"].values() if n]) == 2
    run("nearest.mlirbc", nearest(chosen(report)))
    with np.load(held) as data:
        feeds = {k: data[k][:200] for k in data.files}
    session = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    wanted = np.concatenate([session.run(None, {k: v[i:i + 1] for k, v in feeds.items()})[0] for i in range(200)])
    got = next(iter(program.of(tmp_path / "nearest.mlirbc").run(feeds, batch=1).values()))
    assert abs(sqnr_db(wanted, got) - result["chosen"]["sqnr_db"]) < 3, (sqnr_db(wanted, got), result["chosen"])
