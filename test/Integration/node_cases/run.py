"""ONNX's own backend node cases through import, compile and run.

    run.py [--filter REGEX] [--jobs N] [--update] [--verbose]

Each case's outputs are compared at the case's tolerances (rtol 1e-3, atol 1e-7 unless it says otherwise). Cases in
expected_failures.txt (`name: reason`) have to fail, by an answer of the tool; all others have to pass. --update rewrites the list from what failed.
"""
import argparse
import collections
import os
import pathlib
import queue
import re
import select
import subprocess
import sys
import tempfile
import threading

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("QOPT_BIN", HERE.parents[2] / "build/bin"))
EXPECTED = HERE / "expected_failures.txt"
TIMEOUT = 600 if "QOPT_SANITIZED" in os.environ else 60  # seconds for one case
DIED, NO_ANSWER = "the tool died", f"no answer in {TIMEOUT} s"


def is_tensor(value):
    return isinstance(value, (np.ndarray, np.generic, TensorProto))


def to_array(value):
    """A case's array; tensors come as protobuf where numpy has no such type."""
    if isinstance(value, TensorProto):
        value = numpy_helper.to_array(value)
    return np.asarray(value)


def raw(array):
    """The array under a type that .npy can name: same bits, sub-byte types one element a byte."""
    array = np.ascontiguousarray(array).reshape(array.shape)
    name = array.dtype.name
    if name in ("int4", "int2"):
        return array.astype(np.int8)
    if name in ("uint4", "uint2"):
        return array.astype(np.uint8)
    if array.dtype.kind in "biuf" and name not in ("bfloat16",) and not name.startswith("float8") and not name.startswith("float4"):
        return array
    return array.view({1: np.uint8, 2: np.uint16}[array.dtype.itemsize])


def unraw(array, dtype):
    name = np.dtype(dtype).name
    if name in ("int4", "int2"):
        return array.view(np.int8).astype(dtype)
    if name in ("uint4", "uint2"):
        return array.astype(dtype)
    return array.view(dtype)


class Case:
    def __init__(self, case, folder):
        self.name, self.rtol, self.atol = case.name, case.rtol, case.atol
        self.folder, self.model = folder, case.model
        self.sets = case.data_sets or []
        self.problem = None

    def write(self):
        """The lines that the tool is given, one for each data set."""
        self.folder.mkdir()
        path = self.folder / "model.onnx"
        onnx.save(self.model, path)
        names = [value.name for value in self.model.graph.input]
        lines = []
        for i, (inputs, outputs) in enumerate(self.sets):
            if not all(is_tensor(value) for value in [*inputs, *outputs]):
                self.problem = "sequence or optional values, which compiled programs do not take"
                return []
            arrays = [to_array(value) for value in inputs]
            if any(array.dtype.kind in "OUSc" for array in arrays):
                self.problem = "strings or complex numbers"
                return []
            np.savez(self.folder / f"in{i}.npz", **{name: raw(array) for name, array in zip(names, arrays)})
            lines.append("\t".join(map(str, (path, self.folder / f"in{i}.npz", self.folder / f"out{i}.npz"))))
        return lines

    def compare(self, i):
        """None, or what differs in data set i."""
        names = [value.name for value in self.model.graph.output]
        with np.load(self.folder / f"out{i}.npz") as found:
            for name, value in zip(names, self.sets[i][1]):
                wanted = to_array(value)
                if name not in found:
                    return f"output {name} is missing"
                if wanted.dtype.kind in "OUSc":
                    return "strings or complex numbers"
                got = found[name]
                if got.shape != wanted.shape:
                    return f"output {name} has shape {got.shape} instead of {wanted.shape}"
                if not wanted.size:
                    continue
                got = unraw(got, wanted.dtype)
                if wanted.dtype.kind in "biu":
                    if not np.array_equal(got, wanted):
                        return f"output {name} differs in {np.sum(got != wanted)} of {wanted.size} elements"
                    continue
                got, wanted = got.astype(np.float64), wanted.astype(np.float64)
                if not np.allclose(got, wanted, rtol=self.rtol, atol=self.atol, equal_nan=True):
                    return f"output {name} differs by up to {np.nanmax(np.abs(got - wanted)):.3g}"
        return None


class Worker:
    """One tool process, started anew when a case ends it."""

    def __init__(self):
        self.process = None

    def ask(self, line):
        if not self.process or self.process.poll() is not None:
            self.process = subprocess.Popen([BIN / "qopt-run-many"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, text=True, bufsize=1)
            threading.Thread(target=self.drain, args=(self.process,), daemon=True).start()
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], TIMEOUT)[0]:
            self.process.kill()
            self.process.wait()
            return NO_ANSWER
        answer = self.process.stdout.readline().rstrip("\n")
        if answer:
            return answer
        return f"{DIED} with status {self.process.wait()}"

    @staticmethod
    def drain(process):
        for _ in process.stderr:
            pass

    def close(self):
        """None, or how the tool ended that had answered everything (a sanitizer may have found leaks)."""
        if not self.process or self.process.poll() is not None:
            return None
        self.process.stdin.close()
        status = self.process.wait()
        return f"the tool ended with status {status} behind its last case" if status else None


def judge(case, worker):
    """None when the case passes, else one sentence."""
    try:
        lines = case.write()
        if case.problem:
            return case.problem
        for i, line in enumerate(lines):
            answer = worker.ask(line)
            if answer != "ok":
                return answer.replace(str(case.folder) + "/", "")
            difference = case.compare(i)
            if difference:
                return difference
        return None if lines else "the case has no data"
    except BrokenPipeError:
        return DIED


def collect(pattern):
    import onnx.backend.test.case.node as node  # Computes the expected outputs of every case: takes some seconds.

    import warnings
    warnings.simplefilter("ignore")
    cases = node.collect_testcases()
    return [case for case in cases if re.search(pattern, case.name)]


def read_expected():
    entries = {}
    for line in EXPECTED.read_text().splitlines() if EXPECTED.exists() else []:
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(":")
            entries[name.strip()] = reason.strip()
    return entries


def shorten(why):
    """A reason for the list: the sentence without the place of the case's file."""
    why = re.sub(r"(model\.onnx(:0:0)?: )+", "", why)
    why = why.replace("it uses ops that qopt does not support: ", "no conversion to nn: ")
    return re.sub(r" x1 \('[^']*'\)", "", why)


def run_all(cases, jobs):
    """Each case's problem or None by its name, and how tools ended that did not end well."""
    work, results, ends = queue.Queue(), {}, []
    for case in cases:
        work.put(case)

    def loop():
        worker = Worker()
        while True:
            try:
                case = work.get_nowait()
            except queue.Empty:
                return ends.append(worker.close())
            results[case.name] = judge(case, worker)
            for file in case.folder.glob("*"):
                file.unlink()

    threads = [threading.Thread(target=loop) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, [end for end in ends if end]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--filter", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = [Case(case, pathlib.Path(folder) / str(i)) for i, case in enumerate(collect(options.filter))]
        results, wrong = run_all(cases, options.jobs)
    expected = read_expected()
    failed = {name: why for name, why in results.items() if why}
    if options.verbose:
        for name, why in sorted(failed.items()):
            print(f"{name}: {why}")
    if options.update:
        kept = {name: reason for name, reason in expected.items() if name not in results or name in failed}
        kept |= {name: shorten(why) for name, why in failed.items() if name not in kept}
        lines = ["# Node cases that fail, each with its reason. See run.py; a listed case that passes fails the run.", ""]
        EXPECTED.write_text("\n".join(lines + [f"{name}: {reason}" for name, reason in sorted(kept.items())]) + "\n")
        expected = read_expected()
    wrong += [f"{name} fails and is not listed: {why}" for name, why in sorted(failed.items()) if name not in expected]
    wrong += [f"{name} is listed, but gets no answer: {why}" for name, why in sorted(failed.items()) if name in expected and why.startswith((DIED, NO_ANSWER))]
    wrong += [f"{name} passes but is listed: take it off the list" for name in sorted(expected)
              if name in results and not results[name]]
    for line in wrong:
        print(line)
    print(f"{len(results) - len(failed)} passed, {len(wrong)} failed, {len(failed) - sum(n not in expected for n in failed)} skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
