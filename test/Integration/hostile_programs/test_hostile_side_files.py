"""What stands beside a model: calibration data, statistics, recipes, IR, compiled artifacts. One located sentence for each fault."""
import base64
import os
import shutil
import struct
import subprocess
import zipfile

import numpy as np
import pytest
from hostile_fixtures import bounded, save  # noqa: F401 (fixture)
from onnx import helper, numpy_helper
from small_models import graph

WEIGHT = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
SECONDS = 60


def linear(weight=WEIGHT):
    return graph([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], initializers=[numpy_helper.from_array(weight, "w")])


@pytest.fixture
def folder(tmp_path, save):  # noqa: F811
    save(linear())
    np.savez(tmp_path / "good.npz", x=np.random.default_rng(2).standard_normal((16, 4)).astype(np.float32))
    return tmp_path


@pytest.fixture
def sentence(tool, folder):
    """sentence(*arguments, status=1): the one line that the command says, run in the folder with bounded time and memory."""

    def run(*arguments, status=1):
        done = tool("qopt", *arguments, status=status, timeout=SECONDS, preexec_fn=bounded, cwd=folder)
        lines = [line for line in done.stderr.splitlines() if "error:" in line]
        assert len(lines) == 1 and "Stack dump" not in done.stderr, done.stderr[-2000:]
        assert not [p for p in folder.iterdir() if p.name.startswith((".out", "out"))], "something half-written was left"
        return lines[0]

    return run


def quantize(data):
    return ["quantize", "model.onnx", "-o", "out.onnx", "--scheme", "W8A8", "--calibration-data", data, "--quiet"]


def with_value(value):
    x = np.zeros((8, 4), np.float32)
    x[5, 2] = value
    return x


@pytest.mark.parametrize("arrays, words", [
    ({}, ["x"]),
    ({"z": np.zeros((8, 4), np.float32)}, ["x"]),
    ({"x": np.zeros((8, 4), np.int64)}, ["x", "int64", "float32"]),
    ({"x": np.zeros((8, 4), "S3")}, ["x"]),
    ({"x": np.zeros((8, 5), np.float32)}, ["x", "5", "4"]),
    ({"x": np.zeros((8, 4, 1), np.float32)}, ["x"]),
    ({"x": np.zeros((0, 4), np.float32)}, ["no sample"]),
    ({"x": np.float32(3)}, ["x"]),
    ({"x": with_value(np.nan)}, ["x", "sample 5"]),
    ({"x": with_value(np.inf)}, ["x", "sample 5"]),
    ({"x": with_value(-np.inf)}, ["x", "sample 5"]),
], ids=["empty", "other name", "integers", "text", "width", "rank", "no samples", "scalar", "NaN", "infinity", "-infinity"])
def test_calibration_arrays(arrays, words, folder, sentence):
    np.savez(folder / "data.npz", **arrays)
    said = sentence(*quantize("data.npz"))
    assert all(word in said for word in ["data.npz", *words]), said


def test_calibration_data_is_not_there(sentence):
    assert "none.npz" in sentence(*quantize("none.npz"))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_truncated_archive(share, folder, sentence):
    data = (folder / "good.npz").read_bytes()
    (folder / "cut.npz").write_bytes(data[:int(share * len(data))])
    assert "cut.npz" in sentence(*quantize("cut.npz"))


@pytest.mark.parametrize("data", [b"hello", b"PK\x05\x06" + bytes(18), b"\x93NUMPY" + bytes(100), os.urandom(4096)],
                         ids=["text", "empty archive", "broken npy", "noise"])
def test_what_is_no_archive(data, folder, sentence):
    (folder / "data.npz").write_bytes(data)
    assert "data.npz" in sentence(*quantize("data.npz"))


def npy_header(shape):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize("shape, packed", [((2, 4), 1 << 30), ((1 << 40, 4), 1 << 20), ((1 << 62, 1 << 62), 64)],
                         ids=["more than declared", "less than declared", "overflow"])
def test_a_bomb(shape, packed, folder, sentence):
    """A gigabyte of zeros in a megabyte, behind a header that declares something else."""
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w", force_zip64=True) as member:
        member.write(npy_header(shape))
        for _ in range(max(packed >> 20, 1)):
            member.write(bytes(min(packed, 1 << 20)))
    assert "bomb.npz" in sentence(*quantize("bomb.npz"))


def test_a_bomb_that_lies_in_its_directory(folder, sentence):
    """The archive's directory says a petabyte."""
    np.savez_compressed(folder / "lie.npz", x=np.zeros((8, 4), np.float32))
    data = (folder / "lie.npz").read_bytes()
    size = struct.pack("<I", zipfile.ZipFile(folder / "lie.npz").infolist()[0].file_size)
    (folder / "lie.npz").write_bytes(data.replace(size, struct.pack("<I", 0xfffffff0)))
    assert "lie.npz" in sentence(*quantize("lie.npz"))


def test_a_damaged_member(folder, sentence):
    """Checksums are held."""
    data = bytearray((folder / "good.npz").read_bytes())
    data[180] ^= 0x40
    (folder / "flipped.npz").write_bytes(data)
    assert "flipped.npz" in sentence(*quantize("flipped.npz"))


@pytest.fixture
def stats(tool, folder):
    tool("qopt", "calibrate", folder / "model.onnx", "--calibration-data", folder / "good.npz", "-o", folder / "good.stats", "--quiet")
    return (folder / "good.stats").read_bytes()


def from_stats(file):
    return ["quantize", "model.onnx", "-o", "out.onnx", "--scheme", "W8A8", "--stats", file, "--quiet"]


def test_statistics_of_another_model(folder, sentence, stats, save):  # noqa: F811
    save(linear(WEIGHT + 1))
    said = sentence(*from_stats("good.stats"))
    assert "statistics of another model" in said and "good.stats" in said


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:20], lambda b: b[:-1], lambda b: b.replace(b'"sites"', b'"sitez"'),
                                    lambda b: b[:12] + struct.pack("<Q", 1 << 60) + b[20:]],
                         ids=["empty", "cut in the header", "cut at the end", "no sites", "a giant index"])
def test_damaged_statistics(damage, folder, sentence, stats):
    (folder / "bad.stats").write_bytes(damage(stats))
    assert "bad.stats" in sentence(*from_stats("bad.stats"))


def test_statistics_whose_index_nests(folder, sentence, stats):
    index = b"[" * 5_000_000
    magic = stats[:stats.index(b"{") - 8]
    (folder / "deep.stats").write_bytes(magic + struct.pack("<Q", len(index)) + index)
    said = sentence(*from_stats("deep.stats"))
    assert "deep.stats" in said and "brackets deep" in said


@pytest.mark.parametrize("text, words", [
    ("stages: [{rtn: {scheme: W8A16, colour: blue}}]", ["recipe.yaml:1", "colour"]),
    ("stages:\n  - rtn: {scheme: W8A16, targets: [nothing_like_it]}", ["recipe.yaml:2", "nothing_like_it"]),
    ("stages: [{rtn: {scheme: W8A16}}, {gptq: {scheme: W4A16}}]", ["recipe.yaml"]),
    ("stages: [{rtn: {scheme: W8A16}}]\noverrides:\n  - {match: all, scheme: W4A16}\n  - {match: product, scheme: W8A8}", ["recipe.yaml"]),
    ("", ["recipe.yaml"]),
    ("\0", ["recipe.yaml"]),
    ("[" * 100_000, ["recipe.yaml"]),
    ("[ # ]\n" * 100_000, ["recipe.yaml"]),
    ("# " + "]" * 100_000 + "\n" + "[" * 100_000, ["recipe.yaml"]),
    ("- " * 100_000, ["recipe.yaml"]),
    ("? " * 100_000, ["recipe.yaml"]),
    ("stages: &a [*a]", ["recipe.yaml"]),
], ids=["unknown key", "no match", "two choose", "overrides conflict", "empty", "NUL", "deep", "deep behind comments", "deep after a comment",
        "deep blocks", "deep keys", "alias"])
def test_recipes(text, words, folder, sentence):
    (folder / "recipe.yaml").write_text(text)
    said = sentence("quantize", "model.onnx", "-o", "out.onnx", "--recipe", "recipe.yaml", "--calibration-data", "good.npz", "--quiet")
    assert all(word in said for word in words), said


DEEP = 100_000
MODULES = {
    "empty": b"",
    "noise": bytes(range(256)) * 20,
    "binary header only": b"ML\xefR",
    "no module": b"func.func @main(",
    "unknown op": b"func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { %y = \"nn.no_such_op\"(%x) : (tensor<2xf32>) -> tensor<2xf32> return %y : tensor<2xf32> }",
    "unknown dialect": b"\"nowhere.op\"() : () -> ()",
    "no main": b"module {}",
    "main is external": b"func.func private @main(tensor<2xf32>) -> tensor<2xf32>",
    "wrong types": b"func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> { %y = nn.matmul %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32> return %y : tensor<2x3xf32> }",
    "a float that is no tensor": b"func.func @main(%x: f32) -> f32 { return %x : f32 }",
    "a memory reference": b"func.func @main(%x: memref<2xf32>) { return }",
    "deep types": b"func.func @main(%x: " + b"tuple<" * DEEP,
    "deep attributes": b"module attributes {a = " + b"[" * DEEP,
    "deep regions": b"module {" * DEEP,
    "deep expressions": b"#m = affine_map<(d0) -> (" + b"(" * DEEP,
    "a resource that is not there": b"func.func @main() -> tensor<4xf32> { %w = nn.constant dense_resource<gone> : tensor<4xf32> return %w : tensor<4xf32> }",
    "a resource that is too short": b"func.func @main() -> tensor<4xf32> { %w = nn.constant dense_resource<w> : tensor<4xf32> return %w : tensor<4xf32> }\n"
                                    b"{-# dialect_resources: { builtin: { w: \"0x0400000000000000\" } } #-}",
    "a giant splat": b"func.func @main() -> tensor<1099511627776x1099511627776xf32> { %w = nn.constant dense<1.0> : tensor<1099511627776x1099511627776xf32> return %w : tensor<1099511627776x1099511627776xf32> }",
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("command", [["run"], ["compile", "-o", "out.so"], ["quantize", "--scheme", "W8A16", "--quiet", "-o", "out.mlir"]], ids=lambda c: c[0])
def test_modules(name, command, folder, sentence):
    file = "m.mlirbc" if name == "binary header only" else "m.mlir"
    (folder / file).write_bytes(MODULES[name])
    if name in ("no main", "main is external", "a float that is no tensor", "a memory reference", "a giant splat") and command[0] == "quantize":
        pytest.skip("quantizing reads no entry and makes no constant")
    assert "m.mlir" in sentence(command[0], file, *command[1:])


@pytest.mark.parametrize("seed", range(12))
def test_damaged_bytecode(seed, tool, folder):
    """Either the module is told to be damaged, or the damage did not matter; never a crash."""
    tool("qopt", "quantize", folder / "model.onnx", "-o", folder / "m.mlirbc", "--scheme", "W8A16", "--quiet")
    data = bytearray((folder / "m.mlirbc").read_bytes())
    rng = np.random.default_rng(seed)
    for at in rng.integers(4, len(data), size=1 + seed % 4):
        data[at] ^= 1 << rng.integers(8)
    (folder / "bad.mlirbc").write_bytes(data if seed % 3 else data[:rng.integers(4, len(data))])
    done = subprocess.run([tool.path("qopt"), "inspect", folder / "bad.mlirbc"], capture_output=True, text=True, errors="replace", timeout=SECONDS)
    assert done.returncode in (0, 1), f"{done.returncode}: {done.stderr[-1500:]}"


# A constant whose type is no tensor's: MLIR's reader follows a null pointer. Found by test/fuzz, which has gone on without bytecode since.
WILD_BYTECODE = base64.b64decode(
    "TUzvUg1NTElSMjIuMS44AAErCQEFCQ0PAQMTAwUHFwUFGx8HBSMnA1MrHQErCxMLCxMTHxMTEw8TExMTPxMPExMTAR0HFxcPDwsXExcXCwsXDwIyAgUVFwEB"
    "AQ0RBRcXAQMDFwEDIyUHCQAAAD8XAQURJQkDAxcBBxERFQEXAQkRFwELESUNAwcXAQ0TJQ8ZAAAAPwAAgD8AAABAFwEPExEbBRcBEREXARMRFwEVBwsbBQkR"
    "ARsFCQ0BGwEBGwEDAUUbBRENFxsDDQEFAwMDBRsFCRELAQkBQRsFEQ0BAQIEBLcFAVADAQcEpwMBBQNQCQMHBJMDEycDBwsAB0IPBQMHB0ITBwMJDUYXCQMT"
    "BwEDBQtGGQsDAwcHAwUHQh0NAw0HQiEPAw8LRiURAxkFCw0JBicDBQUJDwUEKQMRBgMBBQEA7xkLPRMXDxMPDwsHCxFidWlsdGluAGZ1bmMAbm4AcW9wdABt"
    "b2R1bGUAcmV0dXJuAGNvbnN0YW50AG1hdG11bABkZXF1YW50aXplAHF1YW50aXplAHRlc3QvZnV6ei9zZWVkcy9tbGlyL3FkcS5tbGlyAG1haW4ACEETBQEB"
    "DQEFAQEHAQMNAxEJAQEBKwcBAQEDGwMfB0cBAQ==")


def test_bytecode_that_its_reader_does_not_survive(folder, sentence):
    (folder / "bad.mlirbc").write_bytes(WILD_BYTECODE)
    assert "bad.mlirbc" in sentence("inspect", "bad.mlirbc")


@pytest.fixture
def artifact(tool, folder):
    tool("qopt", "compile", folder / "model.onnx", "-o", folder / "good.so")
    return (folder / "good.so").read_bytes()


@pytest.mark.parametrize("damage", [
    lambda b: b"", lambda b: b"not a library", lambda b: b[:64], lambda b: b[:len(b) // 2], lambda b: b[:len(b) * 3 // 5], lambda b: b[:4096],
    lambda b: b[:18] + struct.pack("<H", 183) + b[20:], lambda b: b[:4] + b"\x01" + b[5:], lambda b: b"\x7fELF" + bytes(1000),
    lambda b: b[:32] + struct.pack("<Q", 1 << 60) + b[40:],
], ids=["empty", "text", "a header", "half", "no end of the code", "a page", "of another CPU", "32 bits", "zeros", "headers outside"])
def test_damaged_artifacts(damage, folder, sentence, artifact):
    np.savez(folder / "x.npz", x=np.zeros((1, 4), np.float32))
    (folder / "bad.so").write_bytes(damage(artifact))
    assert "bad.so" in sentence("run", "bad.so", "--input", "x.npz")


def test_a_library_that_is_no_artifact(folder, sentence):
    shutil.copy(next(p for p in ("/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/libz.so.1") if os.path.exists(p)), folder / "foreign.so")
    assert "foreign.so' is not an artifact" in sentence("run", "foreign.so")


@pytest.mark.parametrize("name", ["model.mlir", "model.mlirbc", "pipe.onnx", "artifact.so"])
def test_a_pipe_is_not_waited_for(name, folder, sentence):
    os.mkfifo(folder / name)
    assert name in sentence("run", name)


@pytest.mark.parametrize("option", ["--recipe", "--stats", "--calibration-data"])
def test_other_pipes_are_not_waited_for(option, folder, sentence):
    os.mkfifo(folder / "pipe.npz")
    assert "pipe.npz" in sentence("quantize", "model.onnx", "-o", "out.onnx", option, "pipe.npz", "--quiet")


def test_an_array_of_zlib_noise(folder, sentence):
    """A deflated member that is no deflate stream."""
    np.savez_compressed(folder / "noise.npz", x=np.zeros((64, 4), np.float32))
    data = (folder / "noise.npz").read_bytes()
    info = zipfile.ZipFile(folder / "noise.npz").infolist()[0]
    begin = 30 + len(info.filename) + struct.unpack("<H", data[28:30])[0]
    (folder / "noise.npz").write_bytes(data[:begin] + b"\xff" * info.compress_size + data[begin + info.compress_size:])
    assert "noise.npz" in sentence(*quantize("noise.npz"))
