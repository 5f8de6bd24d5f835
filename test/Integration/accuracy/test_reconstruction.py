"""Roundings trained block by block, judged by ONNX Runtime on inputs that training has not seen."""
import json

import numpy as np
import onnx
import pytest
from measure import onnx_runtime, sqnr_db
from onnx import numpy_helper
from test_distillation import CNN, classifier, folder, quantize, quantized_codes, relative, run  # noqa: F401

STAGE = "  - reconstruction: {{steps: {steps}, batch: 16{more}}}"


def trained(tool, folder, name, more="", *options, steps=300, **rest):
    return quantize(tool, folder, name, STAGE.format(steps=steps, more=more), *options, **rest)


def codes_of(report, prefix):
    return [d for d in json.loads(report.read_text())["remarks"] if d["code"].startswith(prefix)]


def moved(one, other):
    return sum(int((a != b).sum()) for a, b in zip(quantized_codes(one), quantized_codes(other)))


@pytest.mark.parametrize("more, factor", [(", learning_rate: 0.01", 0.5), (", learning_rate: 0.01, scales: false", 0.6)])
def test_training_brings_outputs_nearer(more, factor, folder, tool):
    plain, _ = quantize(tool, folder, "plain", "")
    scales_stay = "false" in more
    name = "codes" if scales_stay else "blocks"
    out, _ = trained(tool, folder, name, more, "--json", folder / f"{name}.json")
    wanted = run(folder / "model.onnx", folder)
    before, after = relative(wanted, run(plain, folder)), relative(wanted, run(out, folder))
    assert 0.01 < before and after < factor * before, (before, after)
    done = codes_of(folder / f"{name}.json", "RECON-")
    assert [d["code"] for d in done] == ["RECON-DONE"] * 3, done
    assert moved(plain, out) == sum(int(d["reason"].split(": ")[1].split(" of ")[0]) for d in done) > 0
    assert all((a == b).all() for a, b in zip(scales(plain), scales(out))) == scales_stay


def scales(path):
    model = onnx.load(path)
    constants = {i.name: i for i in model.graph.initializer}
    return [numpy_helper.to_array(constants[n.input[1]]) for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in constants]


def test_threads_do_not_matter(folder, tool):
    files = [trained(tool, folder, f"blocks{n}", "", "--threads", str(n), steps=30)[0] for n in (1, 2)]
    first, second = ([numpy_helper.to_array(i) for i in onnx.load(f).graph.initializer] for f in files)
    assert all(np.array_equal(a, b) for a, b in zip(first, second)) and len(first) > 3


def test_training_that_does_not_help_changes_nothing(folder, tool):
    plain, _ = quantize(tool, folder, "plain", "")
    wild, _ = trained(tool, folder, "wild", ", learning_rate: 1, scale_rate: 1", "--json", folder / "wild.json", steps=5)
    assert [d["code"] for d in codes_of(folder / "wild.json", "RECON-")] == ["RECON-KEPT"] * 3
    np.testing.assert_array_equal(run(plain, folder), run(wild, folder))


def test_only_the_ops_that_are_meant(folder, tool):
    plain, _ = quantize(tool, folder, "plain", "")
    out, _ = trained(tool, folder, "some", ", learning_rate: 0.01, targets: ['re:product[02]']", "--json", folder / "some.json")
    first, second, third = ((a != b).any() for a, b in zip(quantized_codes(plain), quantized_codes(out)))
    assert first and third and not second
    assert len(codes_of(folder / "some.json", "RECON-")) == 2


def test_an_op_without_a_gradient_is_named(folder, tool):
    _, done = trained(tool, folder, "steps", model="floors.onnx", status=1)
    assert "gate0" in done.stderr and "gradient" in done.stderr and not (folder / "steps.onnx").exists()


def test_training_needs_samples(folder, tool):
    _, done = trained(tool, folder, "one", "", "--samples", "1", status=1)
    assert "reconstruction trains on some samples and holds others out, and there is only one" in done.stderr


def test_codes_of_tables_stay(folder, tool):
    (folder / "table.yaml").write_text("stages:\n  - rtn: {scheme: NF4}\n  - reconstruction: {steps: 2}\n")
    tool("qopt", "quantize", folder / "model.onnx", "-o", folder / "table.mlirbc", "--recipe", folder / "table.yaml", "--calibration-data",
         folder / "calib.npz", "--json", folder / "table.json")
    codes = [d["code"] for d in codes_of(folder / "table.json", "RECON-")]
    assert sorted(set(codes)) == ["RECON-NONE", "RECON-SKIPPED"]


@pytest.mark.parametrize("batch", ["open", "fixed"])
def test_quantized_activations_and_fixed_batches(batch, classifier, tool, tmp_path):
    with np.load(classifier / "eval.npz") as data:
        feeds = {"x": data["x"]}
    wanted, figures = onnx_runtime(classifier / f"{batch}.onnx", feeds, batch=12)["y"], []
    for stage in ("", "  - reconstruction\n"):
        (tmp_path / "r.yaml").write_text(CNN.format(scheme="w4a8", epochs=1, biases="false").split("  - distillation")[0] + stage)
        tool("qopt", "quantize", classifier / f"{batch}.onnx", "-o", tmp_path / "q.onnx", "--recipe", tmp_path / "r.yaml", "--calibration-data",
             classifier / "calib.npz", "--noise-samples", "0")
        figures.append(sqnr_db(wanted, onnx_runtime(tmp_path / "q.onnx", feeds, batch=12)["y"]))
    assert figures[1] > figures[0] + 1, figures


def test_convolutions_of_a_real_model(model, tool, tmp_path):
    """ResNet-8 with weights of 4 bits per channel, on images that calibration has not seen."""
    errors = []
    for stage in ("", "  - reconstruction: {steps: 100}\n"):
        (tmp_path / "r.yaml").write_text("schemes:\n  s: {weights: {format: int4, granularity: channel}}\nstages:\n  - gptq: {scheme: s}\n" + stage)
        tool("qopt", "quantize", model("resnet8_fmnist.onnx"), "-o", tmp_path / "q.mlirbc", "--recipe", tmp_path / "r.yaml", "--calibration-data",
             model("fmnist_calib.npz"), "--noise-samples", "0", "--quiet")
        scored = tool("qopt", "eval", tmp_path / "q.mlirbc", "--reference", model("resnet8_fmnist.onnx"), "--data", model("fmnist_eval.npz"), "--batch", "100",
                      "--json", "-")
        errors.append(next(o["sqnr_db"] for o in json.loads(scored.stdout)["outputs"] if o["output"] == "logits"))
    assert errors[1] > errors[0] + 2 > 25, errors
