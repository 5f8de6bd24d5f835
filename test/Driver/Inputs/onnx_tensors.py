"""Folders test_data_set_0 … 10 for onnx-tensors.mlir, and files that are wrong."""
import pathlib
import sys

import numpy as np
from onnx import TensorProto, numpy_helper

out = pathlib.Path(sys.argv[1])


def write(path, array, name):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(numpy_helper.from_array(array, name).SerializeToString())


for k in range(11):
    folder = out / "data" / f"test_data_set_{k}"
    write(folder / "input_0.pb", np.arange(2 * k + 2, dtype="f").reshape(-1, 2), "a")
    # Exporters often leave names out: the position counts.
    write(folder / "input_1.pb", np.full(2, 2, "f"), "" if k % 2 else "b")
np.save(out / "a.npy", np.arange(2, dtype="f").reshape(-1, 2))
(out / "bad.pb").write_bytes(b"no tensor")
(out / "empty").mkdir()
write(out / "wrong/test_data_set_0/input_0.pb", np.zeros((1, 2), "f"), "a")
external = TensorProto(name="a", data_type=TensorProto.FLOAT, dims=[1, 2], data_location=TensorProto.EXTERNAL)
external.external_data.add(key="location", value="weights.bin")
(out / "external.pb").write_bytes(external.SerializeToString())
