"""What the machine refuses: disk, memory, permissions, time. The old output stays whole, and one sentence says why."""
import os
import re
import resource
import signal
import struct
import subprocess
import time

import numpy as np
import pytest
from hostile_fixtures import refused, save, works  # noqa: F401
from measure import SANITIZED, limit_memory
from onnx import helper, numpy_helper
from small_models import graph

OUTPUTS = ["out.onnx", "out.mlir", "out.mlirbc", "out.so", "out.o"]
LINKED = ["out.so", "out.o"]  # their parts are written to the system's temporary folder, whose file the sentence names
OLD = b"what stood here before"
AVX2, AMX_INT8 = 1 << 1, 1 << 15


@pytest.fixture
def folder(tmp_path, save):  # noqa: F811
    weight = np.random.default_rng(1).standard_normal((4, 30_000)).astype(np.float32)
    save(graph([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], initializers=[numpy_helper.from_array(weight, "w")]))
    np.savez(tmp_path / "x.npz", x=np.ones((8, 4), np.float32))
    return tmp_path


def run(tool, folder, *arguments, **options):
    return subprocess.run([tool.path("qopt"), *map(str, arguments)], capture_output=True, text=True, cwd=folder, timeout=120, **options)


def told(done, *words):
    """One sentence, status 1, and all the words in it."""
    lines = [line for line in done.stderr.splitlines() if "error:" in line]
    assert done.returncode == 1 and len(lines) == 1, f"{done.returncode}: {done.stderr[-2000:]}"
    assert all(word in lines[0] for word in words), lines[0]


def quantize(out):
    return ["quantize", "model.onnx", "-o", out, "--scheme", "W8A16", "--quiet"]


COMMANDS = {**{out: quantize(out) for out in OUTPUTS},
            "out.npz": ["run", "model.onnx", "--input", "x.npz", "-o", "out.npz"],
            "out.stats": ["calibrate", "model.onnx", "--calibration-data", "x.npz", "-o", "out.stats", "--quiet"]}


@pytest.mark.parametrize("out", COMMANDS)
def test_a_limit_on_file_sizes(out, tool, folder):
    """As a full disk: the write fails half-way. What stood there before stays, and nothing else is left."""
    (folder / out).write_bytes(OLD)
    before = sorted(p.name for p in folder.iterdir())
    limit = 1000 if out == "out.stats" else 40_000
    done = run(tool, folder, *COMMANDS[out], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    told(done, *([] if out in LINKED else [out]), "File too large")
    assert (folder / out).read_bytes() == OLD
    assert sorted(p.name for p in folder.iterdir()) == before


def test_a_full_disk(tool, folder):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "qopt-test", disk], capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        (disk / "out.onnx").write_bytes(OLD)
        told(run(tool, folder, *quantize("disk/out.onnx")), "disk/out.onnx", "No space left")
        assert [(p.name, p.read_bytes()) for p in disk.iterdir()] == [("out.onnx", OLD)]
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("out", COMMANDS)
def test_no_such_folder(out, tool, folder):
    command = [f"gone/{out}" if word == out else word for word in COMMANDS[out]]
    told(run(tool, folder, *command), f"gone/{out}")


@pytest.mark.parametrize("out", ["out.onnx", "out.mlir"])
def test_a_folder_that_is_not_writable(out, tool, folder):
    (folder / "closed").mkdir(mode=0o555)
    options = {"user": 65534} if os.geteuid() == 0 else {}
    os.chmod(folder, 0o755)
    if options and subprocess.run(["cat", folder / "model.onnx"], capture_output=True, **options).returncode:
        pytest.skip("another user cannot reach this folder")
    told(run(tool, folder, *quantize(f"closed/{out}"), **options), "closed", "not writable")


@pytest.mark.parametrize("name", ["model.onnx", "./model.onnx", "hard.onnx", "soft.onnx"])
def test_output_is_the_input(name, tool, folder):
    os.link(folder / "model.onnx", folder / "hard.onnx")
    os.symlink("model.onnx", folder / "soft.onnx")
    whole = (folder / "model.onnx").read_bytes()
    told(run(tool, folder, *quantize(name)), name)
    assert (folder / "model.onnx").read_bytes() == whole


def test_killed_half_way(tool, folder):
    """At whatever time the kill comes, the output is the old one or the new one, and nothing else is left."""
    run(tool, folder, *quantize("out.onnx"))
    whole = (folder / "out.onnx").read_bytes()
    begin = time.monotonic()
    run(tool, folder, *quantize("out.onnx"))
    took = time.monotonic() - begin
    before = sorted(p.name for p in folder.iterdir())
    killed = 0
    for part in np.linspace(0.3, 1.05, 16):
        (folder / "out.onnx").write_bytes(OLD)
        process = subprocess.Popen([tool.path("qopt"), *quantize("out.onnx")], cwd=folder, stderr=subprocess.DEVNULL)
        time.sleep(part * took)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        assert (folder / "out.onnx").read_bytes() in (OLD, whole)
        assert sorted(p.name for p in folder.iterdir()) == before
    assert killed > 4


@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer maps terabytes for itself")
@pytest.mark.parametrize("limit", [300, 600, 900, 1200])
def test_a_memory_limit(limit, tool, folder, save):  # noqa: F811
    """A weight of a gigabyte, from a small Expand: more than the limit holds. Either told, or done; never an abort."""
    big = graph([helper.make_node("Expand", ["one", "shape"], ["big"]), helper.make_node("MatMul", ["x", "big"], ["y"])],
                initializers=[numpy_helper.from_array(np.ones((1, 1), np.float32), "one"),
                              numpy_helper.from_array(np.array([4, 60_000_000], np.int64), "shape")])
    save(big, "big.onnx")
    done = run(tool, folder, "run", "big.onnx", "--input", "x.npz", "-o", "out.npz",
               preexec_fn=lambda: limit_memory(limit << 20))
    if "error while loading shared libraries" in done.stderr:
        pytest.skip("the program itself does not fit")
    told(done)
    assert "memory" in done.stderr.lower(), done.stderr
    assert not (folder / "out.npz").exists()


def features_of(artifact):
    """Where the descriptor says which CPU features the code needs (include/qopt/Runtime/Artifact.h), and what."""
    head = re.escape(struct.pack("<III", 1, 1, 1))  # ABI version, one input, one output
    places = [(found.start(1), int.from_bytes(found[1], "little")) for found in re.finditer(head + b".{4}(.{8})", artifact, re.S)]
    places = [(at, value) for at, value in places if AVX2 & value == AVX2 and value < 1 << 16]
    assert len(places) == 1, places
    return places[0]


def test_an_instruction_set_that_is_not_there(tool, folder):
    """The artifact says what it was built for, and the loader compares: never SIGILL."""
    flags = next(line for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("flags")).split()
    if "amx_int8" in flags or "avx2" not in flags:
        pytest.skip("this CPU has the instruction set that the test asks for, or cannot compile for AVX2")
    tool("qopt", "compile", folder / "model.onnx", "-o", folder / "m.so", "--target", "avx2")
    tool("qopt", "run", folder / "m.so", "--input", folder / "x.npz", "-o", folder / "out.npz")
    artifact = bytearray((folder / "m.so").read_bytes())
    at, value = features_of(artifact)
    artifact[at:at + 8] = (value | AMX_INT8).to_bytes(8, "little")
    (folder / "amx.so").write_bytes(artifact)
    told(run(tool, folder, "run", "amx.so", "--input", "x.npz", "-o", "out2.npz"), "amx.so", "amx")
