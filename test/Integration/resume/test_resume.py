"""`qopt quantize --work-dir`: what a killed run has finished is taken up, to the same bytes; whatever else is in the folder is refused."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
RECIPE = """
schemes:
  s: {weights: {format: int4, granularity: group, group_size: 32}}
calibration: {rounds: 3}
stages:
  - clip_search: {}
  - gptq: {scheme: s, ignore: ["lm_head?"]}
"""
STATIC = """
stages:
  - gptq: {scheme: W8A8}
  - bias_correction: {}
"""
FORMATS = """
stages:
  - rotation: {seed: 1}
  - gptq: {scheme: NF4, ignore: ["lm_head?"]}
"""
DAMAGES = {
    "cut short": (lambda b: b[: len(b) // 2], "remove the folder"),
    "a byte changed": (lambda b: b[:-1] + bytes([b[-1] ^ 1]), "it is not what was written"),
    "empty": (lambda b: b"", "too short for a safetensors file"),
    "noise": (lambda b: os.urandom(len(b)), "remove the folder"),
    "a header beyond its end": (lambda b: b"\xff" * 8 + b[8:], "remove the folder"),
}


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    """A decoder of three blocks, and samples for it."""
    folder = tmp_path_factory.mktemp("resume")
    sizes = dict(layers=3, hidden=64, inner=192, heads=2, vocabulary=300, samples=4, length=16)
    subprocess.run([sys.executable, TOP / "bench/memory/decoder.py", folder / "m.onnx", folder / "c.npz",
                    *(word for key, value in sizes.items() for word in (f"--{key}", str(value)))], check=True, capture_output=True)
    (folder / "r.yaml").write_text(RECIPE)
    (folder / "static.yaml").write_text(STATIC)
    (folder / "formats.yaml").write_text(FORMATS)
    return folder


class Work:
    """Calls of `qopt quantize` on one model, each with an output and a work folder of its own."""

    def __init__(self, tool, setup, scratch):
        self.tool, self.setup, self.scratch = tool, setup, scratch

    def command(self, out, *options, recipe="r.yaml", folder="work", data="c.npz"):
        words = ["quantize", self.setup / "m.onnx", "-o", self.scratch / out, "--recipe", self.setup / recipe, "--calibration-data",
                 self.setup / data, "--noise-samples", "0"]
        return [*words, *(["--work-dir", self.scratch / folder] if folder else []), *options]

    def run(self, *arguments, status=0, **keys):
        return self.tool("qopt", *self.command(*arguments, **keys), status=status)

    def weights(self, folder="work"):
        return sorted((self.scratch / folder).glob("*.safetensors"))

    def kill_after(self, count, *arguments, **keys):
        """Runs until so many weights are kept, then kill -9; count -1: as soon as there is a calibration."""
        process = subprocess.Popen([str(self.tool.path("qopt")), *map(str, self.command(*arguments, **keys))], stderr=subprocess.DEVNULL)
        stats = self.scratch / keys.get("folder", "work") / "calibration.stats"
        while process.poll() is None and not (stats.exists() if count < 0 else len(self.weights(keys.get("folder", "work"))) >= count):
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL

    def bytes(self, out):
        return (self.scratch / out).read_bytes()


@pytest.fixture
def work(tool, setup, tmp_path):
    return Work(tool, setup, tmp_path)


@pytest.fixture(scope="module")
def killed(tool, setup, tmp_path_factory):
    """What a run left that was killed with some weights done."""
    work = Work(tool, setup, tmp_path_factory.mktemp("killed"))
    while not work.kill_after(5, "half.mlirbc"):
        assert not work.weights()
    return work.scratch / "work"


@pytest.fixture
def half_way(work, killed):
    shutil.copytree(killed, work.scratch / "work")
    return work


@pytest.mark.parametrize("recipe, ending", [("r.yaml", "mlirbc"), ("r.yaml", "onnx"), ("static.yaml", "mlirbc"), ("formats.yaml", "mlirbc")])
def test_killed_runs_end_in_the_same_bytes(work, recipe, ending):
    work.run("whole." + ending, recipe=recipe, folder=None)
    work.run("kept." + ending, recipe=recipe, folder="other")
    assert work.bytes("kept." + ending) == work.bytes("whole." + ending)
    killed = 0
    for count in (-1, 1, 4, 9, 14):
        killed += work.kill_after(count, "out." + ending, recipe=recipe)
        assert not (work.scratch / ("out." + ending)).exists()
    assert killed >= 3, "the runs ended before they were killed"
    held = len(work.weights())
    done = work.run("out." + ending, "--threads", "1", "--json", work.scratch / "report.json", recipe=recipe)
    assert work.bytes("out." + ending) == work.bytes("whole." + ending)
    assert not (work.scratch / "work").exists(), "the folder stays"
    remarks = [r for r in json.loads((work.scratch / "report.json").read_text())["remarks"] if r["code"] == "WORK-RESUMED"]
    assert len(remarks) == 1 and remarks[0]["reason"].startswith(f"{held} weights"), remarks
    assert f"{held} weights are rounded already" in done.stderr


def test_the_report_is_that_of_one_run(work):
    work.run("whole.mlirbc", "--json", work.scratch / "whole.json", folder=None)
    assert work.kill_after(8, "out.mlirbc")
    work.run("out.mlirbc", "--json", work.scratch / "out.json")
    reports = [json.loads((work.scratch / name).read_text()) for name in ("whole.json", "out.json")]
    for report in reports:
        for key in ("output", "seconds", "peak_bytes"):
            del report[key]
        report["remarks"] = [r for r in report["remarks"] if r["code"] != "WORK-RESUMED"]
    assert reports[0] == reports[1]


def test_nothing_kept_is_rounded_again(half_way):
    before = {path.name: path.stat().st_mtime_ns for path in half_way.weights()}
    assert half_way.kill_after(len(before) + 3, "out.mlirbc")
    after = {path.name: path.stat().st_mtime_ns for path in half_way.weights()}
    assert before.items() <= after.items() and len(after) > len(before)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_refused(half_way, damage):
    change, sentence = DAMAGES[damage]
    victim = half_way.weights()[0]
    victim.write_bytes(change(victim.read_bytes()))
    done = half_way.run("out.mlirbc", status=1)
    assert victim.name in done.stderr and sentence in done.stderr and "remove the folder" in done.stderr, done.stderr
    assert done.stderr.count("\n") < 8 and not (half_way.scratch / "out.mlirbc").exists()


def test_a_weight_under_anothers_name_is_refused(half_way):
    first, second = half_way.weights()[:2]
    first.write_bytes(second.read_bytes())
    assert "it is the work on" in half_way.run("out.mlirbc", status=1).stderr


def test_a_damaged_calibration_is_refused(half_way):
    stats = half_way.scratch / "work/calibration.stats"
    stats.write_bytes(stats.read_bytes()[:-100])
    done = half_way.run("out.mlirbc", status=1)
    assert "calibration.stats" in done.stderr and "remove the folder" in done.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", "{\"tool\": 3}"])
def test_a_damaged_identity_is_refused(half_way, text):
    (half_way.scratch / "work/run.json").write_text(text)
    half_way.run("out.mlirbc", status=1)


def test_work_without_identity_is_refused(half_way):
    (half_way.scratch / "work/run.json").unlink()
    assert "nobody knows what the other files belong to" in half_way.run("out.mlirbc", status=1).stderr


def test_other_inputs_are_refused(half_way):
    text = (half_way.setup / "r.yaml").read_text()
    (half_way.setup / "r2.yaml").write_text(text.replace("group_size: 32", "group_size: 16"))
    for keys, options, what in (({"recipe": "r2.yaml"}, (), "another recipe"), ({}, ("--samples", "2"), "another set of options")):
        done = half_way.run("out.mlirbc", *options, status=1, **keys)
        assert what in done.stderr, done.stderr
    external = half_way.setup / "m.data"
    whole = external.read_bytes()
    external.write_bytes(whole[:-4] + b"\0\0\0\0")
    done = half_way.run("out.mlirbc", status=1)
    external.write_bytes(whole)
    assert "another set of weights" in done.stderr, done.stderr
    half_way.run("out.mlirbc")


def test_files_of_others_stay(work):
    folder = work.scratch / "work"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    done = work.run("out.mlirbc", status=1)
    assert re.search("holds 'thesis.txt', which qopt did not put there", done.stderr)
    assert [p.name for p in folder.iterdir()] == ["thesis.txt"]
    (folder / "thesis.txt").unlink()
    (folder / "run.json").symlink_to(work.setup / "r.yaml")
    work.run("out.mlirbc", status=1)
    assert (work.setup / "r.yaml").read_text() == RECIPE


def test_two_processes_do_not_share_a_folder(half_way):
    import fcntl

    with open(half_way.scratch / "work/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another process works in the folder" in half_way.run("out.mlirbc", status=1).stderr
    half_way.run("out.mlirbc")


def test_nothing_to_keep_is_a_usage_error(work):
    done = work.run("out.mlirbc", "--compile-to", "transformed", status=2)
    assert "leave --work-dir out" in done.stderr
