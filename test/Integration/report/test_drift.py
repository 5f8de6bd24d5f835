"""Calibration on the wrong distribution shows in the report's drift section; on the right one it does not."""
import json

import numpy as np
import pytest


@pytest.fixture
def quantize(tool, model, tmp_path):
    images = np.load(model("fmnist_calib.npz"))["input"]
    np.savez(tmp_path / "calibration.npz", input=images[:64])

    def run(used):
        np.savez(tmp_path / "used.npz", input=used(images[64:128]).astype(np.float32))
        tool("qopt", "quantize", str(model("resnet8_fmnist.onnx")), "-o", str(tmp_path / "int8.onnx"), "--calibration-data",
             str(tmp_path / "calibration.npz"), "--evaluation-data", str(tmp_path / "used.npz"), "--report", str(tmp_path / "report"),
             "--quiet")
        page = (tmp_path / "report/report.html").read_text()
        assert "<h2>Drift</h2>" in page
        return json.loads((tmp_path / "report/report.json").read_text())["drift"]

    return run


def test_other_samples_of_the_same_kind(quantize):
    assert [row["site"] for row in quantize(lambda images: images) if row["drifted"]] == []


def test_negatives(quantize):
    drift = quantize(lambda images: images.max() + images.min() - images)
    drifted = {row["site"] for row in drift if row["drifted"]}
    assert "input" in drifted and len(drifted) > len(drift) / 2
    assert drift[0]["drifted"], "the worst stands first"
    # What the program computes from its input, numpy sees in the input itself.
    row = next(row for row in drift if row["site"] == "input")
    assert row["distance"] > 0.4 and row["outside"] == 0


def test_needs_calibration(tool, model, tmp_path):
    done = tool("qopt", "quantize", str(model("resnet8_fmnist.onnx")), "-o", str(tmp_path / "w8.onnx"), "--scheme", "W8A16",
                "--evaluation-data", str(model("fmnist_calib.npz")), status=2)
    assert "--calibration-data" in done.stderr
