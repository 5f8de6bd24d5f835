#!/usr/bin/env python3
"""Holds qopt's .npz reader and writer against numpy's: check_npz.py NPZ-COPY"""
import io
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np


def arrays():
    rng = np.random.default_rng(7)
    out = {f"a_{t}": (rng.standard_normal((5, 3)) * 50).astype(t) for t in
           "f2 f4 f8 i1 i2 i4 i8 >f4 >i2 >f8".split()}
    out |= {f"u_{t}": rng.integers(0, 200, (7,)).astype(t) for t in "u1 u2 u4 u8 >u4".split()}
    out["bool"] = rng.integers(0, 2, (4, 2)).astype(bool)
    out["scalar"] = np.float32(3.5)
    out["empty"] = np.zeros((0, 4), np.float32)
    out["empty_inside"] = np.zeros((3, 0, 2), np.int64)
    out["fortran"] = np.asfortranarray(rng.standard_normal((4, 5, 6)).astype(np.float32))
    out["fortran_big"] = np.asfortranarray(rng.integers(0, 9999, (3, 5)).astype(">i4"))
    out["words"] = np.array(["a", "längere Wörter", "", "日本"])
    out["bytes"] = np.array([b"ab", b"c"])
    out["large"] = rng.integers(0, 4, (1000, 700)).astype(np.int32)
    return out


def check_same(want, path):
    assert zipfile.ZipFile(path).testzip() is None
    with np.load(path) as got:
        assert list(got) == list(want), (list(got), list(want))
        for name, array in want.items():
            array = np.asarray(array)
            expected = array.astype("U") if array.dtype.kind == "S" else array
            assert got[name].shape == array.shape, name
            assert expected.dtype.kind in "U" or got[name].dtype == array.dtype.newbyteorder("="), name
            assert np.array_equal(got[name], expected), name


def refused(tool, path, data, sentence):
    path.write_bytes(data)
    run = subprocess.run([tool, "--plain", path, path.with_suffix(".out")], capture_output=True, text=True)
    assert run.returncode == 1 and sentence in run.stderr, (sentence, run.returncode, run.stderr)
    assert not path.with_suffix(".out").exists()


def packed(compression=zipfile.ZIP_STORED, **members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name + ".npy", data)
    return buffer.getvalue()


def npy(header, data=b"", version=1):
    header = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


def hostile(tool, folder):
    path = folder / "bad.npz"
    good = io.BytesIO()
    np.savez(good, x=np.arange(1000.0))
    good = good.getvalue()
    deflated = packed(zipfile.ZIP_DEFLATED, x=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4000,)}", bytes(16000)))
    refused(tool, path, b"", "too short")
    refused(tool, path, good[:-30], "no directory")
    refused(tool, path, b"hello world, this is no archive at all", "no directory")
    for cut in range(1, len(deflated), 7):  # never a crash, always a sentence
        refused(tool, path, deflated[:cut], "")
    damaged = bytearray(good)
    damaged[300] ^= 1
    refused(tool, path, bytes(damaged), "checksum does not match")
    # A bomb: the directory says 2 GiB, a few bytes are there.
    bomb = bytearray(deflated)
    at = bomb.index(b"PK\x01\x02") + 24
    bomb[at:at + 4] = struct.pack("<I", 1 << 31)
    refused(tool, path, bytes(bomb), "more than its")
    # An honest ratio, but a header that claims the machine's memory many times over.
    refused(tool, path, packed(x=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}")), "64 bits")
    refused(tool, path, packed(x=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}")), "but 0 are there")
    refused(tool, path, packed(x=npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}")), "empty strings")
    refused(tool, path, packed(x=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", bytes(16))), "needs 12 bytes, but 16")
    refused(tool, path, packed(x=npy("{'descr': '<f4', 'shape': (3,)}", bytes(12))), "damaged header")
    refused(tool, path, packed(x=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", bytes(12))), "damaged header")
    refused(tool, path, packed(x=npy("__import__('os')", bytes(12))), "damaged header")
    refused(tool, path, packed(x=npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", bytes(12))), "structure")
    refused(tool, path, packed(x=npy("{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", bytes(24))), "dtype 'c8'")
    refused(tool, path, packed(x=npy("{'descr': '<V1', 'fortran_order': False, 'shape': (3,)}", bytes(3))), "cannot name")
    refused(tool, path, packed(x=npy("{}", version=9)), "version 9")
    refused(tool, path, packed(x=b"hello"), "no numpy array")
    objects = io.BytesIO()
    np.savez(objects, x=np.array([{}], dtype=object))
    refused(tool, path, objects.getvalue(), "Python objects")
    twice = packed(aa=npy("{}"), bb=npy("{}")).replace(b"bb.npy", b"aa.npy")
    refused(tool, path, twice, "twice")


def main():
    tool = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        want = arrays()
        for save in np.savez, np.savez_compressed:
            save(folder / "in.npz", **want)
            for mode in "--plain", "--deflate", "--rows":
                subprocess.run([tool, mode, folder / "in.npz", folder / "out.npz"], check=True)
                check_same(want, folder / "out.npz")
        hostile(tool, folder)


main()
