"""`qopt quantize --dry-run` and `qopt check` tell what a run will hold: measured on a decoder of 84 MB, and nothing is written."""
import json
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
RUNS = {
    "rounding alone": ("--scheme", "W4A16"),
    "gptq": ("--scheme", "W4A16", "--calibration-data", "c.npz", "--noise-samples", "0"),
    "static": ("--scheme", "W8A8", "--calibration-data", "c.npz", "--noise-samples", "0"),
    "trained": ("--recipe", "trained.yaml", "--calibration-data", "c.npz", "--noise-samples", "0"),
    "reconstructed": ("--recipe", "blocks.yaml", "--calibration-data", "c.npz", "--noise-samples", "0"),
    "mixed": ("--recipe", "mixed.yaml", "--calibration-data", "c.npz", "--noise-samples", "0"),
    "static, with noise": ("--scheme", "W8A8", "--calibration-data", "c.npz"),
}


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dry")
    sizes = dict(layers=4, hidden=512, inner=1408, heads=8, vocabulary=8192, samples=4, length=64)
    subprocess.run([sys.executable, TOP / "bench/memory/decoder.py", folder / "m.onnx", folder / "c.npz",
                    *(word for key, value in sizes.items() for word in (f"--{key}", str(value)))], check=True, capture_output=True)
    (folder / "trained.yaml").write_text("stages:\n  - rtn: {scheme: W4A16}\n  - distillation: {loss: kl, epochs: 1}\n")
    (folder / "blocks.yaml").write_text("stages:\n  - rtn: {scheme: W4A16}\n  - reconstruction: {steps: 4, batch: 2}\n")
    (folder / "mixed.yaml").write_text("stages:\n  - mixed_precision: {bits_per_weight: 6, schemes: [W4A16, W8A16]}\n")
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_predicted_peak_is_within_a_fifth(tool, setup, tmp_path, name, record_property):
    command = ["quantize", "m.onnx", "-o", str(tmp_path / "o.mlirbc"), *RUNS[name]]
    planned = json.loads(tool("qopt", *command, "--dry-run", "--json", "-", cwd=setup).stdout)["estimate"]
    assert list(tmp_path.iterdir()) == []
    tool("qopt", *command, "--json", tmp_path / "report.json", cwd=setup)
    measured = json.loads((tmp_path / "report.json").read_text())["peak_bytes"]
    record_property("predicted_to_measured", planned["peak_bytes"] / measured)
    assert 0.8 * measured <= planned["peak_bytes"] <= 1.2 * measured, (planned, measured)
    size = (tmp_path / "o.mlirbc").stat().st_size
    assert 0.8 * size <= planned["output_bytes"] <= 1.2 * size, (planned, size)


@pytest.mark.parametrize("batch, stage", [(16, "rtn"), (64, "gptq")])
def test_training_of_a_cnn_is_predicted_to_a_fifth(tool, model, tmp_path, batch, stage, record_property):
    """Large tensors at the beginning, small ones at the end; Gram matrices are not kept for it."""
    (tmp_path / "trained.yaml").write_text("calibration: {method: minmax}\nstages:\n  - %s: {scheme: W8A8}\n  - distillation: {batch: %d, epochs: 1}\n" % (stage, batch))
    command = ["quantize", model("resnet8_fmnist.onnx"), "-o", tmp_path / "o.mlirbc", "--recipe", tmp_path / "trained.yaml", "--calibration-data",
               model("fmnist_calib.npz"), "--samples", "128", "--noise-samples", "0"]
    planned = json.loads(tool("qopt", *command, "--dry-run", "--json", "-").stdout)["estimate"]
    tool("qopt", *command, "--json", tmp_path / "report.json")
    measured = json.loads((tmp_path / "report.json").read_text())["peak_bytes"]
    record_property("predicted_to_measured", planned["peak_bytes"] / measured)
    assert 0.8 * measured <= planned["peak_bytes"] <= 1.2 * measured, (planned, measured)
    assert planned["peak_bytes"] == next(p["bytes"] for p in planned["phases"] if p["name"] == "training scales")


def test_nothing_is_written(tool, setup, tmp_path):
    before = sorted(p.name for p in setup.iterdir())
    done = tool("qopt", "quantize", "m.onnx", "-o", tmp_path / "o.onnx", "--calibration-data", "c.npz", "--report", tmp_path / "report", "--work-dir",
                tmp_path / "work", "--dry-run", cwd=setup)
    assert "peak memory: about" in done.stdout and "work folder: up to" in done.stdout
    assert list(tmp_path.iterdir()) == [] and sorted(p.name for p in setup.iterdir()) == before


def test_check_tells_the_same(tool, setup, tmp_path):
    options = ("--scheme", "W4A16", "--calibration-data", "c.npz")
    check = json.loads(tool("qopt", "check", "m.onnx", *options, "--json", "-", cwd=setup).stdout)
    dry = json.loads(tool("qopt", "quantize", "m.onnx", "-o", tmp_path / "o.onnx", *options, "--dry-run", "--json", "-", cwd=setup).stdout)
    assert check["sites"] == dry["sites"]
    phases = [[p["name"] for p in plan["estimate"]["phases"]] for plan in (check, dry)]
    assert phases[0] == ["reading the model", "calibrating", "quantizing", "measuring noise"] and phases[1] == [*phases[0], "writing"]


def test_rounds_hold_less_than_all_at_once(tool, setup, tmp_path):
    peaks = {}
    for rounds in (1, 4):
        (tmp_path / "r.yaml").write_text(f"calibration: {{rounds: {rounds}}}\nstages:\n  - gptq: {{scheme: W4A16}}\n")
        plan = json.loads(tool("qopt", "quantize", "m.onnx", "-o", tmp_path / "o.onnx", "--recipe", tmp_path / "r.yaml", "--calibration-data", "c.npz",
                               "--quiet", "--dry-run", "--json", "-", cwd=setup).stdout)["estimate"]
        peaks[rounds] = max(p["bytes"] for p in plan["phases"] if p["name"].startswith("calibrating"))
        assert sum(p["name"].startswith("quantizing") for p in plan["phases"]) == rounds
    assert peaks[4] < peaks[1]


@pytest.mark.parametrize("options, status, sentence", [
    (("--scheme", "W8A8"), 2, "give --calibration-data"),
    (("--scheme", "W8A8", "--calibration-data", "nothing.npz"), 1, "nothing.npz"),
    (("--scheme", "W4A5"), 1, "W4A5"),
    (("--scheme", "W8A8", "--calibration-data", "m.onnx"), 1, "m.onnx"),
    (("--scheme", "W4A16", "-o", "no/such/folder/o.onnx"), 1, "no/such/folder"),
])
def test_what_a_run_would_refuse(tool, setup, tmp_path, options, status, sentence):
    done = tool("qopt", "quantize", "m.onnx", "-o", tmp_path / "o.onnx", *options, "--quiet", "--dry-run", status=status, cwd=setup)
    assert sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not done.stdout and list(tmp_path.iterdir()) == []
