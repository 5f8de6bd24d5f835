#!/usr/bin/env python3
"""What a low-rank correction y = Q x + A (B x) buys, against what else its bytes could buy; prints tables for docs/accuracy.md.

usage: lowrank.py [minilm] [smollm2] [--models DIR] [--bits 4 2] [--ranks 8 32]

Per product: codes by GPTQ (static order, scales by a clip search weighted by diag(H)), then A B as the best rank-r approximation of what is
left in the metric of H (LQER, EoRA), the factors in int8 with a scale for each of their r vectors; `joint` alternates that with GPTQ on W - A B
three times (CALDERA). Three quarters of the calibration samples make H, the last quarter the errors that are shown: sums over products of
tr((W - Q) H (W - Q)ᵀ), each relative to its signal. Scales count 16 bits, zero points those of a code. Needs numpy, onnx and onnxruntime.
"""
import argparse
import os
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

MODELS = {
    "minilm": ("minilm_l6.onnx", "minilm_calib.npz", [f"encoder.layer.{i}.{p}" for i in (1, 4) for p in
                                                      ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")]),
    "smollm2": ("smollm2_135m.onnx", "smollm2_calib.npz", [f"blk.{i}.{p}.weight" for i in (4, 20) for p in ("attn_q", "attn_output", "ffn_gate", "ffn_down")]),
}


def products(folder, name):
    """(weight [N, K], H of the first three quarters of the samples, H of the rest) of the products that are looked at."""
    file, data, wanted = MODELS[name]
    model = onnx.load(folder / file)
    arrays = {i.name: i for i in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in arrays:
            key = next((k for k in wanted if node.input[1].startswith(k)), None)
            if key and key not in found:
                found[key] = node
    assert len(found) == len(wanted), sorted(set(wanted) - set(found))
    inputs = list(dict.fromkeys(n.input[0] for n in found.values()))
    model.graph.output.extend(onnx.ValueInfoProto(name=i) for i in inputs)
    weights = {k: numpy_helper.to_array(arrays[n.input[1]]).T.astype(np.float64) for k, n in found.items()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    feeds = dict(np.load(folder / data))
    samples = len(next(iter(feeds.values())))
    grams = {i: [0.0, 0.0] for i in inputs}
    for at in range(0, samples, 4):
        for i, x in zip(inputs, session.run(inputs, {k: v[at:at + 4] for k, v in feeds.items()})):
            x = x.reshape(-1, x.shape[-1]).astype(np.float32)
            grams[i][at >= samples * 3 // 4] += (x.T @ x).astype(np.float64)
    return {k: (weights[k], *grams[n.input[0]]) for k, n in found.items()}


def scales(w, h, bits, group, symmetric):
    """Per row and group, of 21 clips the one of least error weighted by diag(H): arrays [N, K], one value for each column."""
    n, k = w.shape
    boxes = np.pad(w, ((0, 0), (0, -k % group))).reshape(n, -1, group)
    weigh = np.pad(np.diag(h), (0, -k % group)).reshape(1, -1, group)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if symmetric else (0, 2**bits - 1)
    least, most = np.minimum(boxes.min(2, keepdims=True), 0), np.maximum(boxes.max(2, keepdims=True), 0)
    best = None
    for clip in np.linspace(0.5, 1, 21):
        for sign in (1, -1) if symmetric else (1,):  # The range of codes is longer by one on one side.
            s = sign * clip * (np.maximum(-least, most) / -low if symmetric else (most - least) / high)
            s[s == 0] = 1e-9
            z = np.zeros_like(s) if symmetric else np.clip(np.rint(-clip * least / s), low, high)
            e = ((((np.clip(np.rint(boxes / s) + z, low, high) - z) * s - boxes) ** 2) * weigh).sum(2, keepdims=True)
            best = (e, s, z) if best is None else tuple(np.where(e < best[0], new, old) for new, old in zip((e, s, z), best))
    wide = lambda a: np.repeat(a[:, :, 0], group, axis=1)[:, :k]
    return wide(best[1]), wide(best[2]), low, high


class Hessian:
    """H with what both algorithms need of it."""

    def __init__(self, h):
        self.h, self.order, mean, unit = h, np.argsort(-np.diag(h), kind="stable"), np.diag(h).mean(), np.eye(len(h))
        self.upper = np.linalg.cholesky(np.linalg.inv((h + 0.01 * mean * unit)[self.order][:, self.order])).T
        self.root = np.linalg.cholesky(h + 1e-4 * mean * unit)


def gptq(w, hessian, bits, group, symmetric=True, block=64):
    """Codes are rounded in the order of falling diag(H), each rounding's error moved to the columns that follow."""
    s, z, low, high = scales(w, hessian.h, bits, group, symmetric)
    order, u = hessian.order, hessian.upper
    w, s, z = (np.asfortranarray(a[:, order]) for a in (w, s, z))
    q = np.empty_like(w)
    for a in range(0, w.shape[1], block):
        b = min(a + block, w.shape[1])
        left = np.empty((len(w), b - a))
        for i in range(a, b):
            q[:, i] = (np.clip(np.rint(w[:, i] / s[:, i]) + z[:, i], low, high) - z[:, i]) * s[:, i]
            left[:, i - a] = (w[:, i] - q[:, i]) / u[i, i]
            w[:, i + 1:b] -= np.outer(left[:, i - a], u[i, i + 1:b])
        w[:, b:] -= left @ u[a:b, b:]
    out = np.empty_like(q)
    out[:, order] = q
    return out


def int8(v):
    s = np.maximum(np.abs(v).max(0, keepdims=True), 1e-30) / 127
    return np.rint(v / s) * s


def correction(rest, hessian, rank):
    """The A B nearest to `rest` in the metric of H, both in int8."""
    left, size, right = np.linalg.svd(rest @ hessian.root, full_matrices=False)
    b = np.linalg.solve(hessian.root.T, right[:rank].T * np.sqrt(size[:rank]))
    return int8(left[:, :rank] * np.sqrt(size[:rank])) @ int8(b).T


def corrected(w, hessian, bits, rank, rounds):
    low = 0
    for _ in range(rounds):
        q = gptq(w - low, hessian, bits, 128)
        low = correction(w - q, hessian, rank)
    return q + low


def variants(bits, ranks):
    """(name, bits for each weight of an [N, K] matrix, what makes its values)."""
    for group in (128, 64, 32, 16):
        yield f"groups of {group}", lambda n, k, g=group: bits + 16 / g, lambda w, h, g=group: gptq(w, h, bits, g)
    yield "zero points", lambda n, k: bits + (16 + bits) / 128, lambda w, h: gptq(w, h, bits, 128, False)
    yield f"{bits + 1} bits", lambda n, k: bits + 1 + 16 / 128, lambda w, h: gptq(w, h, bits + 1, 128)
    for r in ranks:
        for rounds, name in ((1, f"rank {r}"), (3, f"rank {r}, joint")):
            yield (name, lambda n, k, r=r: bits + 16 / 128 + r * (8 * (n + k) + 32) / (n * k),
                   lambda w, h, r=r, rounds=rounds: corrected(w, h, bits, r, rounds))


def rows(looked_at, bits, ranks):
    """(name, bits a weight, mean relative error on the unseen samples)."""
    prepared = [(w, Hessian(h), unseen, np.vdot(w @ unseen, w) * len(looked_at)) for w, h, unseen in looked_at.values()]
    for name, cost, make in variants(bits, ranks):
        size = error = 0
        for w, hessian, unseen, signal in prepared:
            d = w - make(w, hessian)
            size, error = size + w.size * cost(*w.shape), error + np.vdot(d @ unseen, d) / signal
        yield name, size / sum(p[0].size for p in prepared), error


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", nargs="*")
    p.add_argument("--models", type=pathlib.Path, default=pathlib.Path(os.environ.get("QOPT_MODELS", "")))
    p.add_argument("--bits", type=int, nargs="+", default=[4, 2])
    p.add_argument("--ranks", type=int, nargs="+", default=[8, 32])
    a = p.parse_args()
    print("| model, bits | groups of 128 and | bits a weight | error | of what smaller groups leave at these bits "
          "| of what some products in a bit more leave |\n| --- | --- | --- | --- | --- | --- |")
    for name in a.model or MODELS:
        looked_at = products(a.models, name)
        for bits in a.bits:
            made = list(rows(looked_at, bits, a.ranks))
            groups = np.array([(size, np.log(error)) for row, size, error in made if row.startswith("groups")]).T
            mixed = np.array([(size, error) for row, size, error in made if row in ("groups of 128", f"{bits + 1} bits")]).T
            for row, size, error in made:
                print(f"| {name}, {bits} | {row} | {size:.3f} | {error:.3e} | {error / np.exp(np.interp(size, *groups)):.3f} | "
                      f"{error / np.interp(size, *mixed):.3f} |", flush=True)


if __name__ == "__main__":
    main()
