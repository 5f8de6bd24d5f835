"""What every integration test gets: the tools that were built, and the folder of real models."""
import os
import pathlib
import subprocess

import pytest
from measure import Program

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("QOPT_BIN", TOP / "build/bin"))


@pytest.fixture(scope="session")
def tool():
    """tool(name, *arguments, status=0): runs a built tool, checks its exit status, returns the finished process."""

    def run(name, *arguments, status=0, **options):
        assert (BIN / name).exists(), f"{BIN / name} has not been built"
        done = subprocess.run([BIN / name, *map(str, arguments)], capture_output=True, text=True, **options)
        assert done.returncode == status, f"{name} {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    run.path = lambda name: BIN / name
    return run


@pytest.fixture(scope="session")
def model():
    """model(name): the path of a file in QOPT_MODELS; the test is skipped where it is not there."""
    folder = os.environ.get("QOPT_MODELS", "")

    def path(name):
        found = pathlib.Path(folder) / name
        if not folder or not found.exists():
            pytest.skip(f"{name} is not in QOPT_MODELS")
        return found

    return path


@pytest.fixture
def program(tool, tmp_path):
    """program(model, scheme=None, …options): the model compiled, or quantized by a scheme, as a .so that can be run.

    program.of(artifact): one that is there already.
    """

    def build(source, *options, scheme=None, calibration=None, out="program.so"):
        command = ["quantize", source, "--scheme", scheme] if scheme else ["compile", source]
        command += ["--calibration-data", calibration] if calibration else []
        tool("qopt", *command, *options, "-o", tmp_path / out)
        return build.of(tmp_path / out)

    build.of = lambda artifact: Program(BIN / "qopt", artifact, tmp_path)
    return build
