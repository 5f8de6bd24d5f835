"""Real models in float: outputs equal ONNX Runtime's within 1e-4 of the output's range, for several batch sizes and lengths.

One compiled program serves all of a model's shapes.
"""
import pathlib
import subprocess

import numpy as np
import onnx
import pytest
from conftest import BIN

ort = pytest.importorskip("onnxruntime", reason="onnxruntime is the oracle")
LIGHT = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"


def tokens(rng, batch, length, vocabulary):
    return rng.integers(5, vocabulary, (batch, length), dtype=np.int64)


def bert(batch, length, with_types=True, vocabulary=30000):
    rng = np.random.default_rng(batch * 1000 + length)
    mask = np.ones((batch, length), np.int64)
    if length > 4:
        mask[0, length - length // 3:] = 0
    feeds = {"input_ids": tokens(rng, batch, length, vocabulary), "attention_mask": mask}
    return feeds | ({"token_type_ids": np.zeros((batch, length), np.int64)} if with_types else {})


def image(name, *shape):
    return {name: np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)}


def page(batch, height, width):
    """Dark strokes on white: on noise the detector's probabilities are all but zero, and so is their range."""
    rng = np.random.default_rng(batch * height + width)
    x = np.ones((batch, 3, height, width), np.float32)
    for i in range(batch):
        for top in range(8, height - 14, 24):
            for left in range(6, width - 10, 9):
                middle = top + int(rng.integers(0, 10))
                x[i, :, top:top + 12, left:left + 2] = -1
                x[i, :, middle:middle + 2, left:left + 6] = -1
    return {"x": x}


CASES = {
    "minilm_l6.onnx": [bert(1, 7), bert(1, 128), bert(3, 33)],
    "paraphrase_minilm_l3.onnx": [bert(1, 9, False), bert(4, 40, False)],
    "smollm2_135m.onnx": [{"input_ids": tokens(np.random.default_rng(n), b, n, 49000)} for b, n in ((1, 5), (2, 24))],
    "efflite0_fmnist96.onnx": [image("input", 1, 3, 96, 96), image("input", 3, 3, 96, 96)],
    "efflite0_224.onnx": [image("input", 1, 3, 224, 224)],
    "resnet8_fmnist.onnx": [image("input", 1, 1, 28, 28), image("input", 7, 1, 28, 28)],
    "ppocr_v4_det.onnx": [page(1, 64, 96), page(2, 128, 64)],
    "ppocr_v4_rec.onnx": [image("x", 1, 3, 48, 96), image("x", 2, 3, 48, 160)],
    "ppocr_v4_cls.onnx": [image("x", 1, 3, 48, 192), image("x", 2, 3, 48, 192)],
    "magika.onnx": [{"bytes": np.random.default_rng(n).integers(0, 257, (n, 2048), dtype=np.int32)} for n in (1, 3)],
}


def in_range(got, wanted):
    """None, or what is wrong: 1e-4 of the output's range."""
    difference, span = np.max(np.abs(got - wanted), initial=0), max(np.ptp(wanted) if wanted.size else 0, 1e-6)
    return None if difference <= 1e-4 * span else f"off by {difference / span:.3g} of its range"


def relative(got, wanted):
    """None, or what is wrong: ONNX's own tolerances for these models, whose outputs are all but constant."""
    return None if np.allclose(got, wanted, rtol=1e-3, atol=1e-7) else f"off by {np.max(np.abs(got - wanted)):.3g}"


def compare(path, all_feeds, folder, judge=in_range):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    lines = []
    for i, feeds in enumerate(all_feeds):
        np.savez(folder / f"in{i}.npz", **feeds)
        lines.append(f"{path}\t{folder}/in{i}.npz\t{folder}/out{i}.npz\n")
    done = subprocess.run([BIN / "qopt-run-many", "2"], input="".join(lines), capture_output=True, text=True)
    assert done.stdout.splitlines() == ["ok"] * len(lines), done.stdout + done.stderr
    for i, feeds in enumerate(all_feeds):
        names = [output.name for output in session.get_outputs()]
        with np.load(folder / f"out{i}.npz") as found:
            for name, wanted in zip(names, session.run(None, feeds)):
                got = found[name].view(wanted.dtype)
                assert got.shape == wanted.shape, f"{name}: {got.shape} instead of {wanted.shape}"
                problem = judge(got.astype(np.float64), wanted.astype(np.float64))
                assert not problem, f"{name} for { {key: value.shape for key, value in feeds.items()} }: {problem}"


@pytest.mark.parametrize("name", sorted(CASES))
def test_real_model(name, model, tmp_path):
    compare(model(name), CASES[name], tmp_path)


@pytest.mark.parametrize("path", sorted(LIGHT.glob("light_*.onnx")), ids=lambda path: path.stem)
def test_light_model(path, tmp_path):
    """The nine light models of the onnx package: real graphs whose weights are filled constants."""
    rng = np.random.default_rng(0)
    feeds = {}
    graph = onnx.load(path).graph
    constants = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name not in constants:
            shape = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
            feeds[value.name] = rng.random(shape, np.float32)
    compare(path, [feeds], tmp_path, relative)
