"""bench/accuracy/run.py keeps what it measured: an interrupted table goes on where it stopped, and figures of another binary are marked."""
import json
import pathlib
import subprocess
import sys

import pytest

RUN = pathlib.Path(__file__).resolve().parents[3] / "bench/accuracy/run.py"
ROWS = ["resnet8/W8A8", "resnet8/W8A8 rtn"]


@pytest.fixture
def table(tmp_path):
    """table(*options, version): the table and which rows were measured, by a stand-in for qopt whose figures tell its version."""

    def run(*options, version, rows=ROWS, fail="nothing"):
        qopt = tmp_path / "qopt"
        qopt.write_text(f"""#!/bin/sh
[ "$1" != {fail} ] || exit 1
[ "$1" = quantize ] || echo '{{"outputs": [{{"output": "logits", "sqnr_db": {version}, "top1": 0.5}}]}}'
""")
        qopt.chmod(0o755)
        done = subprocess.run([sys.executable, RUN, *rows, "--qopt", qopt, "--models", tmp_path, "--results", tmp_path / "results.json", *options],
                              capture_output=True, text=True, check=True)
        lines = {line.split("|")[2].strip(): line.split("|")[3].strip() for line in done.stdout.splitlines() if line.startswith("| resnet8")}
        return lines, [row for row in ROWS if f"{row} {{" in done.stderr]

    return run


def test_resume_measures_only_what_this_binary_has_not(table, tmp_path):
    figures = {"W8A8": "1.00 dB, top-1 0.5000", "W8A8 rtn": "1.00 dB, top-1 0.5000"}
    assert table(version=1) == (figures, ROWS)
    assert table("--resume", version=1) == (figures, [])
    kept = json.loads((tmp_path / "results.json").read_text())
    kept["resnet8/W8A8"]["recipe"] = "W8A16"
    del kept["resnet8/W8A8 rtn"]
    (tmp_path / "results.json").write_text(json.dumps(kept))
    assert table("--resume", version=1) == (figures, ROWS), "another recipe's figure, and none"
    assert table("--resume", version=2)[1] == ROWS, "another binary's"


def test_figures_of_another_binary_are_marked(table):
    table(version=1)
    assert table("--resume", version=2, rows=ROWS[:1]) == ({"W8A8": "2.00 dB, top-1 0.5000", "W8A8 rtn": "1.00 dB, top-1 0.5000 †"}, ROWS[:1])


def test_an_error_is_tried_again(table):
    lines, _ = table(version=1, fail="eval")
    assert lines == dict.fromkeys(["W8A8", "W8A8 rtn"], "exit status 1")
    assert table("--resume", version=1)[1] == ROWS
