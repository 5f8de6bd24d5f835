#!/usr/bin/env python3
"""Times whole models: our float and our W8A8 against ONNX Runtime's float and peers' int8, alternately; prints medians and ratios.

    run.py --models FOLDER [--qopt BIN] [--keep FOLDER] [--only WORD] [--threads 1 2] [--seconds 10] [--json OUT]

Models are compiled to shared libraries first; what is timed is one call of the library's run function, or of ONNX Runtime's, on
inputs that lie in memory. Contenders take turns every few milliseconds until each has run for `--seconds`. Beside the median wall
time stands the median CPU time (user and system, of all threads): on a busy machine it says more; idle threads that spin count in it.

The peers are ONNX Runtime's static int8 and OpenVINO with NNCF (peers.py), on the cases that we quantize. One that is not installed is left out,
and a line says so. OpenVINO has a virtual environment of its own:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install openvino nncf onnx onnxruntime
    /tmp/peers/bin/python bench/models/run.py --models $QOPT_MODELS --json bench/models/recorded.json
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime as ort

from artifact import Artifact
from peers import PEERS, Missing

FLOAT, W8A8, ORT = "float", "w8a8", "ort"
BURST_SECONDS = 0.02  # of one contender before the next has its turn
SETTLE_SECONDS = 0.05  # before a turn: ONNX Runtime's idle threads spin for a while, on the core that the next contender needs

# name, model, calibration file (or input shapes), batch, whether W8A8 is timed
CASES = [
    ("MiniLM-L6 b1", "minilm_l6.onnx", "minilm_calib.npz", 1, True),
    ("MiniLM-L6 b8", "minilm_l6.onnx", "minilm_calib.npz", 8, True),
    ("paraphrase-MiniLM-L3 b1", "paraphrase_minilm_l3.onnx", "minilm_calib.npz", 1, True),
    ("EfficientNet-Lite0 96 b1", "efflite0_fmnist96.onnx", "fmnist96_calib.npz", 1, True),
    ("EfficientNet-Lite0 224 b1", "efflite0_224.onnx", "eff224_calib.npz", 1, True),
    ("ResNet-8 b1", "resnet8_fmnist.onnx", "fmnist_calib.npz", 1, True),
    ("Magika b1", "magika.onnx", "magika_calib.npz", 1, False),
    ("PP-OCR det 1x3x320x320", "ppocr_v4_det.onnx", (1, 3, 320, 320), 1, False),
    ("PP-OCR cls 1x3x48x192", "ppocr_v4_cls.onnx", (1, 3, 48, 192), 1, False),
    ("PP-OCR rec 1x3x48x320", "ppocr_v4_rec.onnx", (1, 3, 48, 320), 1, False),
    ("SmolLM2-135M 1x256", "smollm2_135m.onnx", "smollm2_calib.npz", 1, False),
]


def inputs_of(session, source, folder, batch):
    names = [i.name for i in session.get_inputs()]
    if isinstance(source, tuple):
        return {names[0]: np.random.default_rng(1).standard_normal(source).astype(np.float32)}
    with np.load(folder / source) as data:
        return {n: np.ascontiguousarray(data[n][:batch]) for n in names}


def compiled(a, model, calib, quantize):
    """The model's library: made once in the folder that is kept."""
    library = a.keep / f"{pathlib.Path(model).stem}{'_w8a8' if quantize else ''}.so"
    if not library.exists() or library.stat().st_mtime < pathlib.Path(a.qopt).stat().st_mtime:
        how = ["quantize", "--calibration-data", a.models / calib, "--quiet"] if quantize else ["compile"]
        subprocess.run([a.qopt, *how, a.models / model, "-o", library], check=True, capture_output=True)
    return library, pathlib.Path(model).stem


def measure(contenders, seconds):
    """Median wall and CPU milliseconds of each contender, taking turns."""
    bursts = {}
    for name, run in contenders.items():
        run()
        start = time.perf_counter()
        run()
        bursts[name] = max(1, round(BURST_SECONDS / (time.perf_counter() - start)))
    wall, cpu = {n: [] for n in contenders}, {n: [] for n in contenders}
    while any(sum(times) < seconds for times in wall.values()):
        for name, run in contenders.items():
            time.sleep(SETTLE_SECONDS)
            run()  # its own data back into the caches
            for _ in range(bursts[name]):
                start, used = time.perf_counter(), time.process_time()
                run()
                cpu[name].append(time.process_time() - used)
                wall[name].append(time.perf_counter() - start)
    return ({n: statistics.median(t) * 1e3 for n, t in wall.items()}, {n: statistics.median(t) * 1e3 for n, t in cpu.items()},
            {n: len(t) for n, t in wall.items()})


def peers(a, model, source, inputs, threads):
    """Those that can be measured; a line on standard error for those that cannot."""
    found = {}
    for name in a.peers:
        try:
            found[name] = PEERS[name](a.models / model, a.models / source, a.keep, threads, inputs)
        except Missing as missing:
            print(f"{name} is left out: {missing}", file=sys.stderr)
            a.peers = [other for other in a.peers if other != name]
    return found


def case(a, name, model, source, batch, quantized, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = ort.InferenceSession(str(a.models / model), options, providers=["CPUExecutionProvider"])
    inputs = inputs_of(session, source, a.models, batch)
    contenders = {ORT: lambda: session.run(None, inputs)}
    for kind in [FLOAT] + [W8A8] * (quantized and not a.float_only):
        artifact = Artifact(*compiled(a, model, source, kind == W8A8), threads)
        contenders[kind] = artifact.bind(list(inputs.values()))
    if quantized and not a.float_only:
        contenders |= peers(a, model, source, inputs, threads)
    load = os.getloadavg()[0]
    wall, cpu, runs = measure(contenders, a.seconds)
    row = {"case": name, "threads": threads, "wall_ms": wall, "cpu_ms": cpu, "runs": runs, "load_before": load, "load_after": os.getloadavg()[0],
           "float_over_ort": wall[FLOAT] / wall[ORT], "float_over_ort_cpu": cpu[FLOAT] / cpu[ORT]}
    if W8A8 in wall:
        row |= {f"w8a8_over_{name}": wall[W8A8] / wall[name] for name in PEERS if name in wall}
        row |= {"w8a8_over_float": wall[W8A8] / wall[FLOAT], "w8a8_over_float_cpu": cpu[W8A8] / cpu[FLOAT]}
    return rounded(row)


def rounded(value):
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def table_row(row):
    wall = row["wall_ms"]
    int8 = f"{wall[W8A8]:.2f}" if W8A8 in wall else "–"
    ratios = [f"{row[k]:.2f} ({row[k + '_cpu']:.2f})" if k in row else "–" for k in ("float_over_ort", "w8a8_over_float")]
    ratios += [f"{row[f'w8a8_over_{name}']:.2f} ({wall[name]:.2f} ms)" if name in wall else "–" for name in PEERS]
    return (f"| {row['case']} | {row['threads']} | {wall[ORT]:.2f} | {wall[FLOAT]:.2f} | {int8} | {' | '.join(ratios)} | "
            f"{row['load_before']:.1f}–{row['load_after']:.1f} |")


def cpu_model():
    return next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", type=pathlib.Path, default=os.environ.get("QOPT_MODELS"), required="QOPT_MODELS" not in os.environ)
    p.add_argument("--qopt", default="build/bin/qopt")
    p.add_argument("--keep", type=pathlib.Path, help="where compiled models stay (default: a folder that goes)")
    p.add_argument("--only", default="", help="cases with this in their name")
    p.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    p.add_argument("--seconds", type=float, default=10, help="of runs of each contender, each case and number of threads")
    p.add_argument("--float-only", action="store_true")
    p.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    p.add_argument("--json", type=pathlib.Path)
    a = p.parse_args()
    a.models = pathlib.Path(a.models)
    with tempfile.TemporaryDirectory() as scratch:
        a.keep = a.keep or pathlib.Path(scratch)
        a.keep.mkdir(exist_ok=True)
        print("| model | threads | ORT float ms | ours float ms | ours W8A8 ms | float / ORT: wall (CPU) | W8A8 / float: wall (CPU) | "
              "W8A8 / ORT int8 | W8A8 / OpenVINO int8 | load |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        rows = []
        for each in (c for c in CASES if a.only.lower() in c[0].lower()):
            for threads in a.threads:
                rows.append(case(a, *each, threads))
                print(table_row(rows[-1]), flush=True)
    if a.json:
        a.json.write_text(json.dumps({"cpu": cpu_model(), "cores": os.cpu_count(), "onnxruntime": ort.__version__,
                                      "date": time.strftime("%Y-%m-%d"), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
