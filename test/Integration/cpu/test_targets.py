"""Programs for each target of `qopt targets` that this CPU can run: the same model, float and W8A8, through other kernels."""
import json

import numpy as np
import pytest
from measure import agreement, onnx_runtime, span, worst_share


@pytest.fixture(scope="module")
def statistics(tool, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("statistics")

    def of(name, kit):
        path = folder / f"{name}.stats"
        tool("qopt", "calibrate", model(name), "--calibration-data", model(f"{kit}_calib.npz"), "--gram", "-o", path, "--quiet")
        return path

    return of


def feeds_of(path, count):
    with np.load(path) as data:
        return {name: data[name][:count] for name in data.files}


@pytest.fixture(scope="module")
def runnable(tool):
    return [row["name"] for row in json.loads(tool("qopt", "targets", "--json", "-").stdout)["targets"] if row["runs_here"]]


@pytest.mark.parametrize("name, kit", [("resnet8_fmnist.onnx", "fmnist"), ("efflite0_fmnist96.onnx", "fmnist96")])
def test_every_target_computes_the_same(tool, model, program, statistics, runnable, name, kit):
    """Float agrees with ONNX Runtime; integer products are exact on all, so that codes differ only where a float epilogue does."""
    feeds, stats = feeds_of(model(f"{kit}_eval.npz"), 8), statistics(name, kit)
    expected = onnx_runtime(model(name), feeds)["logits"]
    integer = {}
    for target in runnable:
        exact = program(model(name), "--target", target, out=f"{target}.so").run(feeds)["logits"]
        assert worst_share(expected, exact) <= 1e-4, target
        options = ["--stats", stats, "--target", target, "--quiet"]
        integer[target] = program(model(name), *options, scheme="W8A8", out=f"{target}_w8a8.so").run(feeds)["logits"]
    first = integer[runnable[0]]
    for target, logits in integer.items():
        assert agreement(first, logits, span(first) / 255) >= 0.99, target
