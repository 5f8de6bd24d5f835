"""What hostile models are met with by `qopt run`: one located sentence, exit status 1, in bounded time and memory.

test/Integration/hostile holds the importer alone; here whole programs are made, and what must work is compared with ONNX Runtime.
"""
import subprocess

import numpy as np
import pytest
from measure import Program, limit_memory, onnx_runtime

SECONDS, BYTES = 60, 4 << 30


def bounded():
    limit_memory(BYTES)


@pytest.fixture
def save(tmp_path):
    def write(model, name="model.onnx"):
        data = model if isinstance(model, bytes) else model.SerializeToString()
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.fixture
def refused(tool, save):
    """refused(model or path, *words): `qopt run` says one sentence with the file's name and all the words, status 1."""

    def check(model, *words):
        path = model if hasattr(model, "exists") else save(model)
        try:
            done = tool("qopt", "run", path, status=1, timeout=SECONDS, preexec_fn=bounded)
        except subprocess.TimeoutExpired:
            pytest.fail(f"no answer within {SECONDS} s")
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1 and "error:" in lines[0], f"not one sentence: {done.stderr[:2000]}"
        # The sentence would also ask for the inputs of a model that was accepted.
        assert "is not given" not in lines[0], f"the model was accepted: {lines[0]}"
        assert "Field 'shape'" not in lines[0], f"the test's own model is at fault: {lines[0]}"
        missing = [word for word in (path.name, *words) if word not in lines[0]]
        assert not missing, f"{missing} not in: {lines[0]}"

    return check


@pytest.fixture
def works(tool, save, tmp_path):
    """works(model or path, **feeds): the program's outputs are those of ONNX Runtime."""

    def check(model, **feeds):
        path = model if hasattr(model, "exists") else save(model)
        feeds = feeds or {"x": np.arange(8, dtype=np.float32).reshape(2, 4)}
        got = Program(tool.path("qopt"), path, tmp_path).run(feeds)
        for name, expected in onnx_runtime(path, feeds).items():
            np.testing.assert_allclose(got[name], expected, rtol=1e-5, atol=1e-6)

    return check
