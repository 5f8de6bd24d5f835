"""What README.md and docs/ show is run: commands in their order on a small model, recipes through `qopt quantize`, options against --help."""
import fnmatch
import os
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

TOP = pathlib.Path(__file__).resolve().parents[3]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md")), TOP / "bench/README.md"]
NAMES = [str(page.relative_to(TOP)) for page in PAGES]


def blocks(page):
    """(language, text) of the page's code: fenced, or indented by four spaces (language "")."""
    fence, lines = None, []
    for line in page.read_text(encoding="utf-8").splitlines() + [""]:
        if line.startswith("```"):
            if fence is not None:
                yield fence or "text", "\n".join(lines)
            fence, lines = (line[3:].strip() if fence is None else None), []
        elif fence is not None:
            lines.append(line)
        elif line.startswith("    "):
            yield "", line[4:]


def commands(page):
    return [line for language, text in blocks(page) if language in ("", "sh", "bash") for line in text.splitlines() if line.strip()]


@pytest.fixture
def folder(tmp_path):
    """What the pages' commands name: a model whose ops the recipes select, samples, an input."""
    rng = np.random.default_rng(0)
    sizes = {"up": (256, 512), "/mlp/down_proj/MatMul": (512, 256), "classifier": (256, 16)}
    nodes, weights, value = [], [], "input"
    for name, shape in sizes.items():
        weights.append(numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), f"{name}.w"))
        nodes += [helper.make_node("MatMul", [value, f"{name}.w"], [f"{name}.out"], name=name)]
        value = f"{name}.out"
    declare = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "length", width])
    graph = helper.make_graph(nodes, "g", [declare("input", 256)], [declare(value, 16)], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "model.onnx")
    for name in ("samples", "more", "c"):
        np.savez(tmp_path / f"{name}.npz", input=rng.standard_normal((32, 4, 256)).astype(np.float32))
    np.save(tmp_path / "x.npy", rng.standard_normal((4, 2, 256)).astype(np.float32))
    os.link(tmp_path / "model.onnx", tmp_path / "big.onnx")
    (tmp_path / "r.yaml").write_text("stages: [{gptq: {scheme: W4A16}}]\n")
    return tmp_path


def run_row_names(words):
    """Rows of the accuracy table, by patterns: each must name some."""
    patterns = [word for word in words[1:] if "/" in word and not word.endswith((".py", ".json"))]
    listed = subprocess.run([sys.executable, TOP / "bench/accuracy/run.py", "--list"], capture_output=True, text=True, check=True,
                            env={"QOPT_MODELS": "/nowhere", **os.environ}).stdout.split("\n")
    for pattern in patterns:
        assert any(fnmatch.fnmatchcase(row.strip(), pattern) for row in listed), f"no row is named {pattern}: {listed}"


@pytest.mark.parametrize("name", NAMES)
def test_commands(name, tool, folder):
    for line in commands(TOP / name):
        words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=\S*", word)]
        if words[0].startswith(("build/bin/", "qopt")):
            tool(words[0].removeprefix("build/bin/"), *words[1:], cwd=folder)
        elif words[0] == "bash":
            subprocess.run(["bash", "-n", TOP / words[1]], check=True)  # check.sh, which runs this, and what it runs
        elif words[0].startswith(".venv/bin/"):
            program = next(word for word in words[1:] if not word.startswith("-"))
            assert program == "pytest" or (TOP / program).exists() or words[0].endswith("/ctest"), f"{name}: there is no {program}"
            if program == "bench/accuracy/run.py":
                run_row_names(words)
        else:
            pytest.fail(f"{name} shows a command that this test does not know: {line}")


@pytest.mark.parametrize("name", NAMES)
def test_recipes(name, tool, folder):
    for number, text in enumerate(text for language, text in blocks(TOP / name) if language == "yaml"):
        (folder / "recipe.yaml").write_text(text)
        tool("qopt", "quantize", "model.onnx", "-o", f"out{number}.mlir", "--recipe", "recipe.yaml", "--calibration-data", "samples.npz",
             "--quiet", cwd=folder)


@pytest.mark.parametrize("name", NAMES)
def test_options(name, tool):
    """`qopt COMMAND --option` in the prose: both are in --help."""
    for shown in re.findall(r"`(?:build/bin/)?qopt ([a-z][^`]*)`", (TOP / name).read_text(encoding="utf-8")):
        command, *words = shown.split()
        options = tool("qopt", command, "--help").stdout
        for word in words:
            if word.startswith("--") and word != "--help":
                assert re.search(rf"{re.escape(word.split('=')[0])}\b", options), f"{name}: qopt {command} has no {word}"
