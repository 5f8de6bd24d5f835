"""Hostile models: each is refused with one located sentence and exit status 1, in bounded time, or works where it must."""
import re
import resource

import onnx
import pytest
from hostile_models import CASES
from measure import limit_memory

SECONDS, MEMORY = 60, 8 << 30


def bounded():
    limit_memory(MEMORY)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@pytest.mark.parametrize("name", CASES)
def test_hostile(name, tool, tmp_path):
    make, sentence = CASES[name]
    folder = tmp_path / "model"
    folder.mkdir()
    made = make(folder)
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString() if isinstance(made, onnx.ModelProto) else made)
    done = tool("qopt-translate", "--import-onnx", path, "-o", tmp_path / "out.mlir", status=1 if sentence else 0,
                timeout=SECONDS, preexec_fn=bounded)
    if sentence is None:
        assert "error" not in done.stderr
        return
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1, done.stderr
    assert "model.onnx" in errors[0]
    assert re.search(sentence, errors[0].split("error:", 1)[1]), errors[0]
    assert "Stack dump" not in done.stderr


def test_missing_file(tool, tmp_path):
    assert "nowhere.onnx" in tool("qopt-translate", "--import-onnx", tmp_path / "nowhere.onnx", status=1).stderr
