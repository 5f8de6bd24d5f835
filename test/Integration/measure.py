"""How integration tests compare: programs of ours against ONNX Runtime, with the formulas written out."""
import os
import resource
import subprocess

import numpy as np
import onnxruntime as ort

SANITIZED = "QOPT_SANITIZED" in os.environ  # set by tools/sanitized.sh


def limit_memory(limit):
    """For preexec_fn. AddressSanitizer maps terabytes for itself and has a limit of its own, which tools/sanitized.sh sets."""
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def onnx_runtime(model, feeds, batch=None, exact=False):
    """{output: array}; `batch` samples a run along axis 0. `exact` turns graph optimization off.

    ONNX Runtime's fast u8×s8 kernels add pairs of products in 16 bits, which saturate on CPUs without VNNI; its session option
    asks for those that do not.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    if exact:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    if not batch:
        return dict(zip(names, session.run(names, feeds)))
    samples = len(next(iter(feeds.values())))
    parts = [session.run(names, {k: v[i:i + batch] for k, v in feeds.items()}) for i in range(0, samples, batch)]
    return {name: np.concatenate(part) for name, part in zip(names, zip(*parts))}


class Program:
    """A model or a compiled artifact, run by `qopt run`."""

    def __init__(self, qopt, artifact, scratch):
        self.qopt, self.artifact, self.scratch = qopt, artifact, scratch

    def run(self, feeds, batch=None, threads=None):
        np.savez(self.scratch / "in.npz", **feeds)
        command = [self.qopt, "run", self.artifact, "--input", self.scratch / "in.npz", "-o", self.scratch / "out.npz"]
        command += ["--batch", str(batch)] if batch else []
        command += ["--threads", str(threads)] if threads else []
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"qopt run: {done.returncode}\n{done.stderr[-2000:]}"
        with np.load(self.scratch / "out.npz") as outputs:
            return {name: outputs[name] for name in outputs.files}


def sqnr_db(reference, candidate):
    """10 log10(Σ r² / Σ (r − c)²), summed in float64."""
    r, c = (np.asarray(a, np.float64) for a in (reference, candidate))
    noise = np.square(r - c).sum()
    return float(np.inf if noise == 0 else 10 * np.log10(np.square(r).sum() / noise))


def span(array):
    """max − min of the array and zero, in float64: what an error is measured against."""
    a = np.asarray(array, np.float64)
    return float(max(a.max(initial=0), 0) - min(a.min(initial=0), 0))


def worst_share(reference, candidate):
    """Largest |r − c| as a share of the reference's span; inf where a NaN or infinity stands in one only."""
    r, c = (np.asarray(a, np.float64) for a in (reference, candidate))
    if r.shape != c.shape or not np.array_equal(np.isfinite(r), np.isfinite(c)):
        return np.inf
    finite = np.isfinite(r)
    error = float(np.abs(r - c)[finite].max(initial=0))
    return error / span(r[finite]) if error else 0.0


def agreement(reference, candidate, step):
    """Share of the elements within one quantization step."""
    r, c = (np.asarray(a, np.float64) for a in (reference, candidate))
    return float((np.abs(r - c) <= step * (1 + 1e-6)).mean())


def perplexity(logits, ids):
    """exp of the mean negative log likelihood of the second half of each row. logits [n, seq, vocabulary], ids [n, seq]."""
    half, losses = ids.shape[1] // 2, []
    for row, target in zip(logits, ids):
        scored = row[half:-1].astype(np.float64)
        scored -= scored.max(1, keepdims=True)
        losses.append(np.log(np.exp(scored).sum(1)) - scored[np.arange(len(scored)), target[half + 1:]])
    return float(np.exp(np.concatenate(losses).mean()))
