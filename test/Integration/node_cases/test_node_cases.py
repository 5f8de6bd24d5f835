"""The node cases as one test: see run.py, which also runs alone."""
import pathlib
import subprocess
import sys


def test_node_cases(capsys):
    done = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("run.py")], capture_output=True, text=True)
    with capsys.disabled():
        print(f"\nONNX node cases: {done.stdout.splitlines()[-1] if done.stdout else done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
