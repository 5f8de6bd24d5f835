"""find_package(qopt) works from an install tree: a program outside of the project configures, links and runs passes."""
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("QOPT_BIN", HERE.parents[2] / "build/bin")).parent


def cached(variable):
    """A variable of the build's CMake cache."""
    lines = (BUILD / "CMakeCache.txt").read_text().splitlines()
    return next(line.split("=", 1)[1] for line in lines if line.startswith(f"{variable}:"))


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def embed(tmp_path_factory):
    """The example, built against a fresh install tree that was moved after it was installed."""
    folder = tmp_path_factory.mktemp("embed")
    cmake = cached("CMAKE_COMMAND")
    run(cmake, "--install", BUILD, "--prefix", folder / "first")
    (folder / "first").rename(folder / "moved")
    run(cmake, "-S", HERE, "-B", folder / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        f"-Dqopt_DIR={next((folder / 'moved').rglob('qoptConfig.cmake')).parent}",
        f"-DCMAKE_C_COMPILER={cached('CMAKE_C_COMPILER')}", f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}",
        "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld")
    run(cmake, "--build", folder / "build")
    return folder / "build/embed"


def test_runs_a_pipeline(embed):
    printed = run(embed, HERE / "input.mlir", "builtin.module(func.func(canonicalize))")
    assert "nn.add" in printed
    assert "nn.relu" not in printed


def test_a_bad_module_is_a_diagnostic(embed, tmp_path):
    bad = tmp_path / "bad.mlir"
    bad.write_text("func.func @f() { \"nn.no_such_op\"() : () -> () return }")
    done = subprocess.run([embed, bad, "builtin.module()"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no_such_op" in done.stderr


def test_installed_tools_run(embed):
    installed = embed.parents[1] / "moved/bin"
    assert {"qopt-opt"} <= {tool.name for tool in installed.iterdir()}
    assert "nn.add" in run(installed / "qopt-opt", HERE / "input.mlir")
