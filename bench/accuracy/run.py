#!/usr/bin/env python3
"""Quantizes real models, scores them, and prints the table of docs/accuracy.md.

usage: run.py [ROW …] [--resume] [--models DIR] [--qopt BIN] [--results FILE.json] [--list]

Rows are named MODEL/NAME; a name with `*` matches several, none means all. Each row's figure is kept in the results file with its recipe and a
hash of the binary. With --resume the rows that this binary has measured are not measured again, so that one command, given again after an
interruption, makes the whole table. The table that is printed holds all rows that the file knows, with a mark at those of another binary.
Calibration files only are calibrated on.
"""
import argparse
import fnmatch
import hashlib
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]

# model file, calibration and evaluation arrays, what else `qopt eval` is told, the figures that count
MODELS = {
    "minilm": ("minilm_l6.onnx", "minilm_calib.npz", "minilm_eval.npz", [], ("sentence_embedding", ["sqnr_db"])),
    "efflite0": ("efflite0_fmnist96.onnx", "fmnist96_calib.npz", "fmnist96_eval.npz",
                 ["--labels", "fmnist96_eval_labels.npz", "--batch", "50"], ("logits", ["sqnr_db", "top1"])),
    "resnet8": ("resnet8_fmnist.onnx", "fmnist_calib.npz", "fmnist_eval.npz",
                ["--labels", "fmnist_eval_labels.npz", "--batch", "100"], ("logits", ["sqnr_db", "top1"])),
    "smollm2": ("smollm2_135m.onnx", "smollm2_calib.npz", "smollm2_eval.npz",
                ["--perplexity", "input_ids", "--batch", "2"], ("logits", ["perplexity"])),
}
HEAD = 'ignore: ["lm_head?"]'


def weights(bits, group, *before, symmetric=True, zeros="", stage="gptq", options=""):
    """A weight-only recipe in groups; `zeros`: the format of zero points where it is not the codes'."""
    name = f"{'int' if symmetric else 'uint'}{bits}"
    prepared = "".join(f"  - {b}: {{{HEAD}}}\n" if ":" not in b else f"  - {b}\n" for b in before)
    return (f"schemes:\n  s: {{weights: {{format: {name}, granularity: group, group_size: {group}, symmetric: {str(symmetric).lower()}{zeros and ', zero_point_format: ' + zeros}}}}}\n"
            f"stages:\n{prepared}  - {stage}: {{scheme: s, {HEAD}{options}}}\n")


CLIP = f"clip_search: {{objective: hessian, {HEAD}}}"
AWQ = f"awq: {{{HEAD}, clip: false}}"
REFIT = ", shrinkage: 1, refits: 3"
DISTILL, DISTILL_MSE = f"  - distillation: {{{HEAD}, loss: kl}}\n", "  - distillation: {loss: mse}\n"
BLOCKS = "  - reconstruction\n"
COMPENSATE = "calibration: {rounds: 3, compensate: true}\n"
W8A8 = "calibration: {method: minmax}\nstages:\n"

# row → (scheme or recipe text, samples of calibration data: 0 none, -1 all, target)
ROWS = {
    "minilm/W8A8 plain": (W8A8 + "  - rtn: {scheme: W8A8}\n", -1, ""),
    "minilm/W8A8 smoothed": (W8A8 + "  - smoothquant: {}\n  - rtn: {scheme: W8A8}\n", -1, ""),
    "minilm/W8A8": ("W8A8", -1, "23.3, goal 26"),
    "minilm/W8A16 rtn": ("stages: [rtn: {scheme: W8A16}]\n", 0, ""),
    "minilm/W8A16 gptq": ("stages: [gptq: {scheme: W8A16}]\n", -1, ""),
    "minilm/W8A16": ("W8A16", -1, "35"),
    "minilm/int4 g32 rtn": (weights(4, 32, stage="rtn"), 0, "12.2 (best peer)"),
    "minilm/int4 g32 asym rtn": (weights(4, 32, stage="rtn", symmetric=False), 0, "12.2 (best peer)"),
    "minilm/int4 g32 hqq": (weights(4, 32, stage="hqq", symmetric=False), 0, ""),
    "minilm/int4 g32 awq": (weights(4, 32, AWQ, stage="rtn"), -1, ""),
    "minilm/int4 g32 gptq": (weights(4, 32), -1, "13.7"),
    "minilm/int4 g32 clip+gptq": (weights(4, 32, "clip_search"), -1, "15"),
    "minilm/int4 g32 awq+clip+gptq": (weights(4, 32, AWQ, "clip_search"), -1, "15"),
    "minilm/int4 g32 clip+gptq+descent": (weights(4, 32, "clip_search", options=", sweeps: 3"), -1, "15"),
    "minilm/int4 g32 clip+gptq+refits": (weights(4, 32, "clip_search", options=REFIT), -1, "15"),
    "minilm/int4 g32 compensated": (COMPENSATE + weights(4, 32, "clip_search", options=REFIT), -1, "15"),
    "minilm/int4 g32 distilled": (weights(4, 32, "clip_search", options=REFIT) + DISTILL_MSE, -1, "15"),
    "minilm/W8A8 distilled": (W8A8 + "  - smoothquant: {}\n  - gptq: {scheme: W8A8}\n" + DISTILL_MSE, -1, "23.3, goal 26"),
    "minilm/int4 g128 rtn": (weights(4, 128, stage="rtn"), 0, "9.2 (best peer)"),
    "minilm/W4A16 without data": ("W4A16", 0, ""),
    "minilm/W4A16": ("W4A16", -1, ""),
    "minilm/W3A16": ("W3A16", -1, ""),
    "minilm/W2A16": ("W2A16", -1, ""),
    "efflite0/W8A8 plain": (W8A8 + "  - rtn: {scheme: W8A8}\n", -1, ""),
    "efflite0/W8A8 bias": (W8A8 + "  - bias_correction: {}\n  - rtn: {scheme: W8A8}\n", -1, ""),
    "efflite0/W8A8": ("W8A8", -1, "16, .855"),
    "resnet8/W8A8 rtn": (W8A8 + "  - rtn: {scheme: W8A8}\n", -1, ""),
    "resnet8/W8A8": ("W8A8", -1, ".902"),
    "smollm2/W8A16 rtn": ("stages: [rtn: {scheme: W8A16}]\n", 0, ""),
    "smollm2/W8A16 gptq": ("stages: [gptq: {scheme: W8A16}]\n", 16, "22.2"),
    "smollm2/W8A16": ("W8A16", 16, "22.2"),
    "smollm2/W8A8_DYNAMIC rtn": ("stages: [rtn: {scheme: W8A8_DYNAMIC}]\n", 0, "23.2"),
    "smollm2/W8A8_DYNAMIC": ("W8A8_DYNAMIC", 16, "22.7"),
    "smollm2/W4A16 rtn": (weights(4, 128, stage="rtn"), 0, "30.93 (best peer)"),
    "smollm2/W4A16 awq": (weights(4, 128, AWQ, stage="rtn"), 16, ""),
    "smollm2/W4A16 gptq": (weights(4, 128), 32, "25.5"),
    "smollm2/W4A16": ("W4A16", 48, "25.5"),
    "smollm2/uint4 g128 clip+gptq+descent": (weights(4, 128, CLIP, symmetric=False, options=", sweeps: 3"), 64, "24.2"),
    "smollm2/int4 g128 clip+gptq+refits": (weights(4, 128, "clip_search", options=REFIT), -1, "24.2"),
    "smollm2/int4 g128 distilled": (weights(4, 128, "clip_search", options=REFIT) + DISTILL, -1, "24.2"),
    "smollm2/uint4 g128 distilled": (weights(4, 128, "clip_search", symmetric=False, options=REFIT) + DISTILL, -1, "24.2"),
    "smollm2/uint4 g128 compensated": (COMPENSATE + weights(4, 128, "clip_search", symmetric=False, options=REFIT), -1, "24.2"),
    "smollm2/W4A16 awq+clip+gptq": (weights(4, 128, AWQ, "clip_search"), 32, "24.2"),
    "smollm2/int4 g64 rtn": (weights(4, 64, stage="rtn"), 0, ""),
    "smollm2/int4 g64 awq": (weights(4, 64, AWQ, stage="rtn"), 8, ""),
    "smollm2/int4 g64 gptq": (weights(4, 64), -1, ""),
    "smollm2/int4 g64 gptq in rounds": ("calibration: {rounds: 4}\n" + weights(4, 64), -1, ""),
    "smollm2/int4 g64 gptq in 30 rounds": ("calibration: {rounds: 30}\n" + weights(4, 64), -1, ""),
    "smollm2/int4 g64 clip+gptq+refits": (weights(4, 64, "clip_search", options=REFIT), -1, ""),
    "smollm2/int4 g32 gptq": (weights(4, 32), -1, ""),
    "smollm2/int4 g128 gptq": (weights(4, 128), -1, ""),
    "smollm2/int4 g32 rtn": (weights(4, 32, stage="rtn"), 0, "26.92 (best peer)"),
    "smollm2/int4 g32 clip+gptq": (weights(4, 32, "clip_search"), 32, "23.5"),
    "smollm2/uint4 g32 clip+gptq+refits": (weights(4, 32, "clip_search", symmetric=False, options=REFIT), -1, "23.5"),
    "smollm2/uint4 g32 f32 zeros rtn": (weights(4, 32, stage="rtn", symmetric=False, zeros="f32"), 0, "23.5"),
    "smollm2/uint4 g128 f32 zeros clip+gptq+refits": (weights(4, 128, "clip_search", symmetric=False, zeros="f32", options=REFIT), -1, "24.2"),
    "smollm2/uint4 g128 clip+gptq+refits": (weights(4, 128, "clip_search", symmetric=False, options=REFIT), -1, "24.2"),
    "smollm2/uint4 g32 compensated": (COMPENSATE + weights(4, 32, "clip_search", symmetric=False, options=REFIT), -1, "23.5"),
    "smollm2/uint4 g32 clip+gptq+descent": (weights(4, 32, CLIP, symmetric=False, options=", sweeps: 2"), 48, "23.5"),
}


def distilled():
    """What training buys: scales end to end, biases too; CNNs block by block."""
    conv4 = ("calibration: {method: minmax}\nschemes:\n  s: {weights: {format: int4, granularity: channel}, activations: {format: uint8, granularity: tensor, "
             "symmetric: false}}\nstages:\n  - bias_correction: {targets: [\"Conv?\"]}\n  - gptq: {scheme: s" + REFIT + "}\n")
    conv8 = W8A8 + "  - smoothquant: {targets: [\"Linear?\"]}\n  - bias_correction: {targets: [\"Conv?\"]}\n  - gptq: {scheme: W8A8}\n"
    for model in ("resnet8", "efflite0"):
        ROWS[f"{model}/W4A8 per channel"] = (conv4, -1, "")
        for name, recipe in (("W8A8", conv8), ("W4A8 per channel", conv4)):
            ROWS[f"{model}/{name} reconstructed"] = (recipe + BLOCKS, -1, "")
            for how, loss in (("mse", "mse"), ("mse, biases", "mse, biases: true"), ("kl", "kl")):
                ROWS[f"{model}/{name} distilled ({how})"] = (f"{recipe}  - distillation: {{loss: {loss}, batch: 16}}\n", -1, "")
    for name in ("minilm/int4 g32 distilled", "minilm/W8A8 distilled"):
        recipe, samples, target = ROWS[name]
        ROWS[f"{name}, biases"] = (recipe.replace("{loss: mse}", "{loss: mse, biases: true}"), samples, target)


def formats():
    """Shipped schemes of other formats: weights and activations as the scheme says."""
    for model in ("minilm", "smollm2"):
        ROWS[f"{model}/FP8"] = ("FP8", -1 if model == "minilm" else 16, "")
        for scheme in ("FP8_DYNAMIC", "FP8_BLOCK", "NF4", "MXFP8", "MXFP4", "NVFP4", "W4AFP8", "W4A8"):
            ROWS[f"{model}/{scheme}"] = (scheme, 0, "")
        for scheme in ("FP8_DYNAMIC", "FP8_BLOCK", "NF4", "MXFP8", "MXFP4", "NVFP4", "W4AFP8", "W4A8", "W4A4"):
            samples = -1 if model == "minilm" else 16
            ROWS[f"{model}/{scheme} gptq"] = (f"stages: [gptq: {{scheme: {scheme}, {HEAD}}}]\n", samples, "")


def rewrites():
    """What rotation and equalization change."""
    turn = "rotation: {randomized: true, seed: 0}"
    for name, stage, scheme, samples in (("W4A4", "rtn", "W4A4", 0), ("W4A4 gptq", "gptq", "W4A4", 16), ("W4A16 gptq", "gptq", "W4A16", 32),
                                         ("W8A8_DYNAMIC rtn", "rtn", "W8A8_DYNAMIC", 0)):
        for label, before in (("", ""), (" rotated", f"  - {turn}\n")):
            ROWS.setdefault(f"smollm2/{name}{label}", (f"stages:\n{before}  - {stage}: {{scheme: {scheme}, {HEAD}}}\n", samples, ""))
    tensor = "schemes:\n  t: {weights: {format: int8, granularity: tensor}, activations: {format: uint8, granularity: tensor, symmetric: false}}\n"
    for model in ("resnet8", "efflite0"):
        for label, before in (("", ""), (" bias", "  - bias_correction\n"), (" equalized", "  - equalization\n"),
                              (" bias equalized", "  - equalization\n  - bias_correction\n")):
            ROWS[f"{model}/W8A8 per tensor{label}"] = (f"{tensor}stages:\n{before}  - rtn: {{scheme: t}}\n", -1, "")
        ROWS[f"{model}/W8A8 equalized"] = (W8A8 + "  - equalization\n  - bias_correction: {}\n  - gptq: {scheme: W8A8}\n", -1, "")


def trained():
    """What block-wise reconstruction adds, alone and before end-to-end training."""
    for name, recipe in (("int4 g32", weights(4, 32, "clip_search", options=REFIT)), ("W3A16", weights(3, 128, "clip_search", options=REFIT)),
                         ("W2A16", weights(2, 64, "clip_search", symmetric=False, options=REFIT))):
        ROWS[f"minilm/{name} reconstructed"] = (recipe + BLOCKS, -1, "")
        ROWS[f"minilm/{name} reconstructed, distilled"] = (recipe + BLOCKS + DISTILL_MSE, -1, "")
    ROWS["minilm/W8A8 reconstructed"] = (W8A8 + "  - smoothquant: {}\n  - gptq: {scheme: W8A8}\n" + BLOCKS, -1, "23.3, goal 26")
    lm = f"  - reconstruction: {{{HEAD}, batch: 4}}\n"
    ROWS["smollm2/int4 g128 reconstructed"] = (weights(4, 128, "clip_search", options=REFIT) + lm, -1, "24.2")
    ROWS["smollm2/int4 g128 reconstructed, distilled"] = (weights(4, 128, "clip_search", options=REFIT) + lm + DISTILL, -1, "24.2")


def mixes():
    """Mixed precision beside one format of as many bits. `local`: from statistics alone, which show each op and not what follows it."""
    own = "schemes:\n  g32: {weights: {format: int4, granularity: group, group_size: 32}}\n"
    for bits in (5, 6):
        recipe = f"{own}stages:\n  - mixed_precision: {{bits_per_weight: {bits}, schemes: [W3A16, W4A16, g32, W8A16]}}\n"
        ROWS[f"minilm/mixed {bits} bits"] = ROWS[f"minilm/mixed {bits} bits local"] = (recipe, -1, "")
    ROWS["minilm/int4 g16 gptq"] = (weights(4, 16), -1, "")


def call(arguments):
    """Runs a command; returns (standard output, wall seconds, CPU seconds)."""
    begin, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}")
    return done.stdout, time.time() - begin, after.ru_utime - before.ru_utime


def measure(row, options):
    model, calibration, evaluation, extra, (output, keys) = MODELS[row.split("/")[0]]
    recipe, samples, _ = ROWS[row]
    folder = pathlib.Path(options.models)
    files = [folder / x if x.endswith(".npz") else x for x in extra]
    with tempfile.TemporaryDirectory() as work:
        out, text = pathlib.Path(work) / "q.mlirbc", pathlib.Path(work) / "recipe.yaml"
        text.write_text(recipe)
        command = [options.qopt, "quantize", folder / model, "-o", out, "--quiet"]
        command += ["--recipe", text] if "\n" in recipe else ["--scheme", recipe]
        data = ["--calibration-data", folder / calibration] + (["--samples", samples] if samples > 0 else []) if samples else []
        if row.endswith(" local"):
            statistics = pathlib.Path(work) / "s.stats"
            call([options.qopt, "calibrate", folder / model, "-o", statistics, "--gram", "--quiet", *data])
            data = ["--stats", statistics]
        command += data
        _, wall, cpu = call(command)
        reference = [] if "--perplexity" in extra else ["--reference", folder / model]
        scored, _, _ = call([options.qopt, "eval", out, *reference, "--data", folder / evaluation, *files, "--json", "-"])
    figures = next(o for o in json.loads(scored)["outputs"] if o["output"] == output)
    return {"figures": {k: figures[k] for k in keys}, "wall_s": round(wall, 1), "cpu_s": round(cpu, 1)}


def digest(binary):
    with open(binary, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def origin(row, binary):
    """What a row's figure comes from."""
    return {"recipe": ROWS[row][0], "samples": ROWS[row][1], "binary": binary}


def is_current(result, row, binary):
    return "figures" in result and origin(row, binary).items() <= result.items()


def attempt(row, options):
    """The row's figures or its error, and what they come from."""
    binary = digest(options.qopt)
    try:
        result = measure(row, options)
        if digest(options.qopt) != binary:
            raise RuntimeError("the binary was replaced while the row was measured")
    except RuntimeError as error:
        result = {"error": str(error)}
    return result | origin(row, binary)


def keep(results, file):
    """Whole at any time, also when the process is killed."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(results, indent=1))
    partial.replace(file)


def shown(figures):
    units = {"sqnr_db": "{:.2f} dB", "top1": "top-1 {:.4f}", "perplexity": "perplexity {:.3f}"}
    return ", ".join(units[k].format(v) for k, v in figures.items())


def table(results, binary):
    known = sorted((r for r in ROWS if r in results), key=lambda r: list(MODELS).index(r.split("/")[0]))
    mark = {r: "" if is_current(results[r], r, binary) or "error" in results[r] else " †" for r in known}
    yield "| model | scheme | result | target | calibration samples | quantizing, CPU s |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in known:
        r = results[row]
        model, name = row.split("/", 1)
        samples = {0: "none", -1: "all"}.get(r["samples"], r["samples"])
        yield f"| {model} | {name} | {shown(r['figures']) if 'figures' in r else r['error']}{mark[row]} | {ROWS[row][2]} | {samples} | {r.get('cpu_s', '')} |"
    if any(mark.values()):
        yield "\n† by another binary or another recipe than the present ones"
    if len(known) < len(ROWS):
        yield f"\n{len(ROWS) - len(known)} of {len(ROWS)} rows were never measured."


def main():
    formats()
    rewrites()
    distilled()
    trained()
    mixes()
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*")
    p.add_argument("--models", default=os.environ.get("QOPT_MODELS", ""))
    p.add_argument("--qopt", default=TOP / "build/bin/qopt")
    p.add_argument("--results", default="accuracy.json")
    p.add_argument("--resume", action="store_true", help="leave out the rows that this binary has measured by the recipes of today")
    p.add_argument("--list", action="store_true")
    a = p.parse_args()
    if a.list:
        return print("\n".join(ROWS))
    chosen = [r for r in ROWS if not a.rows or any(fnmatch.fnmatchcase(r, pattern) for pattern in a.rows)]
    if not chosen:
        sys.exit("no row has that name; --list shows them")
    file = pathlib.Path(a.results)
    results = json.loads(file.read_text()) if file.exists() else {}
    for row in chosen:
        if a.resume and is_current(results.get(row, {}), row, digest(a.qopt)):
            continue
        results[row] = attempt(row, a)
        print(row, results[row], file=sys.stderr, flush=True)
        keep(results, file)
    print("\n".join(table(results, digest(a.qopt))))


if __name__ == "__main__":
    main()
