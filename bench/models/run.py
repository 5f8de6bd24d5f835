#!/usr/bin/env python3
"""Times whole models: our float and our W8A8 against ONNX Runtime's float, alternately, one thread; prints medians and ratios.

    run.py --models FOLDER [--qopt BIN] [--rounds 5] [--repeat 10] [--json OUT]

Each round runs every contender once (`--repeat` timed runs after warm-up); the figure is the median over rounds of their medians.
Ratios are what counts: the machine is shared, and its load stands beside them.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime as ort

CASES = [  # name, model, calibration file, batch
    ("MiniLM-L6 b1x128", "minilm_l6.onnx", "minilm_calib.npz", 1),
    ("MiniLM-L6 b8x128", "minilm_l6.onnx", "minilm_calib.npz", 8),
    ("EfficientNet-Lite0 96 b1", "efflite0_fmnist96.onnx", "fmnist96_calib.npz", 1),
    ("EfficientNet-Lite0 224 b1", "efflite0_224.onnx", "eff224_calib.npz", 1),
]


def first_batch(path, names, batch, out):
    with np.load(path) as data:
        inputs = {n: data[n][:batch] for n in names}
    np.savez(out, **inputs)
    return inputs


def ours(qopt, model, inputs, repeat):
    text = subprocess.run([qopt, "run", model, "--input", inputs, "--threads", "1", "--repeat", str(repeat), "--json", "-"],
                          check=True, capture_output=True, text=True).stdout
    return json.loads(text)["median_ms"]


def peer(session, inputs, repeat):
    times = []
    for _ in range(repeat + 2):
        start = time.perf_counter()
        session.run(None, inputs)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[2:])


def measure(a, name, model, calib, batch, scratch):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = ort.InferenceSession(str(a.models / model), options, providers=["CPUExecutionProvider"])
    npz = str(scratch / "inputs.npz")
    inputs = first_batch(a.models / calib, [i.name for i in session.get_inputs()], batch, npz)
    quantized = scratch / f"{model}.mlirbc"
    if not quantized.exists():
        subprocess.run([a.qopt, "quantize", a.models / model, "-o", quantized, "--calibration-data", a.models / calib, "--quiet"],
                       check=True, capture_output=True)
    rounds = {"ours_float": [], "ours_w8a8": [], "ort_float": []}
    for _ in range(a.rounds):
        rounds["ours_float"].append(ours(a.qopt, a.models / model, npz, a.repeat))
        rounds["ours_w8a8"].append(ours(a.qopt, quantized, npz, a.repeat))
        rounds["ort_float"].append(peer(session, inputs, a.repeat))
    ms = {k: statistics.median(v) for k, v in rounds.items()}
    return {"case": name, **{f"{k}_ms": round(v, 3) for k, v in ms.items()},
            "float_over_ort": round(ms["ours_float"] / ms["ort_float"], 3),
            "w8a8_over_float": round(ms["ours_w8a8"] / ms["ours_float"], 3),
            "load": os.getloadavg()[0]}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", type=pathlib.Path, required=True)
    p.add_argument("--qopt", default="build/bin/qopt")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--repeat", type=int, default=10)
    p.add_argument("--json", type=pathlib.Path)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = [measure(a, *case, pathlib.Path(scratch)) for case in CASES]
    for row in rows:
        print(json.dumps(row))
    if a.json:
        flags = next((l for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor()).strip()
        a.json.write_text(json.dumps({"cpu": flags, "onnxruntime": ort.__version__, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
