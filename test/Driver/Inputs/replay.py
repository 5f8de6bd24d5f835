"""usage: replay.py PIPELINE MODEL OUT: what --print-pipeline printed into the file PIPELINE, run by qopt-opt."""
import pathlib
import subprocess
import sys

pipeline, model, out = sys.argv[1:]
text = pathlib.Path(pipeline).read_text().strip()
subprocess.run(["qopt-opt", f"--pass-pipeline={text}", "--mlir-print-debuginfo", model, "-o", out], check=True)
