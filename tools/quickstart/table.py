#!/usr/bin/env python3
"""Prints compiled programs side by side: table.py FOLDER REFERENCE CANDIDATE…

FOLDER holds for each NAME: NAME.so, NAME.npz (its outputs, samples along axis 0) and NAME.json (`qopt run --json`).
SQNR is 10 log10(Σr² / Σ(r−c)²) over all outputs; agreement is the share of samples with the same largest output.
"""
import json
import math
import pathlib
import sys

import numpy as np


def row(folder, name, reference):
    output = np.load(folder / f"{name}.npz")
    signal = sum(float(np.square(reference[k].astype(np.float64)).sum()) for k in reference.files)
    noise = sum(float(np.square(reference[k].astype(np.float64) - output[k]).sum()) for k in reference.files)
    same = [(reference[k].argmax(-1) == output[k].argmax(-1)).mean() for k in reference.files]
    return [name, f"{(folder / f'{name}.so').stat().st_size / 1e6:.2f}",
            f"{json.loads((folder / f'{name}.json').read_text())['median_ms']:.2f}",
            f"{10 * math.log10(signal / noise):.1f}" if noise else "same", f"{100 * np.mean(same):.1f}"]


def main():
    folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    reference = np.load(folder / f"{names[0]}.npz")
    rows = [["", "file, MB", "median, ms", "SQNR, dB", "agreement, %"], *(row(folder, name, reference) for name in names)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(r, widths)))


if __name__ == "__main__":
    main()
