"""GPTQ of one layer, ours and numpy's in turn: run.py BENCH_BINARY [--size 4096] [--tokens 4096] [--threads 2] [--repeat 3]

numpy's is the paper's algorithm in float32 as the usual implementations have it: Gram, Cholesky, inverse, Cholesky of the
inverse, then blocks of 128 columns with lazy updates (int4, group 128), with OpenBLAS on as many threads.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

NUMPY_RUN = "--numpy-run"


def numpy_gptq(n, k, tokens):
    import numpy as np

    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((n, k), np.float32), rng.standard_normal((tokens, k), np.float32)
    start = time.perf_counter()
    h = x.T @ x
    middle = time.perf_counter()
    h[np.diag_indices(k)] += 0.01 * np.diag(h).mean()
    u = np.ascontiguousarray(np.linalg.cholesky(np.linalg.inv(h)).T)
    for b in range(0, k, 128):
        end = min(b + 128, k)
        block, errors = w[:, b:end].T.copy(), np.empty((end - b, n), np.float32)
        scale = np.abs(block).max(0) / 7
        for i in range(end - b):
            q = np.clip(np.rint(block[i] / scale), -8, 7) * scale
            errors[i] = (block[i] - q) / u[b + i, b + i]
            block[i:] -= np.outer(u[b + i, b + i:end], errors[i])
            w[:, b + i] = q
        w[:, end:] -= errors.T @ u[b:end, end:]
    done = time.perf_counter()
    print(json.dumps({"gram_s": middle - start, "gptq_s": done - middle, "total_s": done - start}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    shape = [str(args.size), str(args.size), str(args.tokens)]
    commands = {"qopt": [args.binary, *shape, str(args.threads)], "numpy": [sys.executable, __file__, NUMPY_RUN, *shape]}
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(args.threads)}
    runs = {name: [] for name in commands}
    for _ in range(args.repeat):
        for name, command in commands.items():
            out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            runs[name].append(json.loads(out))
            print(name, out.strip(), flush=True)
    medians = {name: statistics.median(run["total_s"] for run in many) for name, many in runs.items()}
    print(json.dumps({**{f"{name}_median_s": round(value, 3) for name, value in medians.items()},
                      "speedup": round(medians["numpy"] / medians["qopt"], 2), "threads": args.threads}))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == NUMPY_RUN:
        numpy_gptq(*map(int, sys.argv[2:]))
    else:
        main()
