#!/usr/bin/env python3
"""Writes each array of an .npz as NAME.npy: arrays.py FILE.npz FOLDER"""
import pathlib
import sys

import numpy as np

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
for name, array in np.load(source).items():
    np.save(folder / f"{name}.npy", array)
