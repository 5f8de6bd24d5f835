"""Sizes that a model declares between its inputs and outputs, or of its outputs, and that are not so: they are not believed."""
import numpy as np
import pytest
from onnx import TensorProto, helper
from small_models import graph

node, declare = helper.make_node, helper.make_tensor_value_info


def lying(nodes, shape, inputs):
    """The value `b` is declared with `shape`, and y = relu(b)."""
    model = graph([*nodes, node("Relu", ["b"], ["y"], name="last")],
                  [declare(name, TensorProto.INT64 if name == "s" else TensorProto.FLOAT, dims) for name, dims in inputs.items()],
                  rank=len(shape))
    model.graph.value_info.append(declare("b", TensorProto.FLOAT, shape))
    return model


def lying_output():
    return graph([node("Add", ["x", "w"], ["y"])], [declare(name, TensorProto.FLOAT, [size]) for name, size in (("x", "N"), ("w", "M"))],
                 [declare("y", TensorProto.FLOAT, [4000000])])


eight = np.arange(8, dtype=np.float32)
cases = {
    "add": (lying([node("Add", ["x", "w"], ["b"])], [4000000], {"x": ["N"], "w": ["M"]}), {"x": eight, "w": eight}, 2 * eight),
    "nonzero": (lying([node("NonZero", ["x"], ["a"]), node("Cast", ["a"], ["b"], to=1)], [1, 5], {"x": ["N"]}),
                {"x": np.ones(3, np.float32)}, np.array([[0, 1, 2]], np.float32)),
    "expand": (lying([node("Expand", ["x", "s"], ["b"])], [4, 3], {"x": [1, 3], "s": [2]}),
               {"x": np.ones((1, 3), np.float32), "s": np.array([9, 3])}, np.ones((9, 3), np.float32)),
    "output": (lying_output(), {"x": eight, "w": eight}, 2 * eight),
}


@pytest.mark.parametrize("case", cases)
def test_declared_size(case, tool, tmp_path):
    model, feeds, wanted = cases[case]
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    np.savez(tmp_path / "in.npz", **feeds)
    tool("qopt", "run", tmp_path / "model.onnx", "--input", tmp_path / "in.npz", "-o", tmp_path / "out.npz")
    assert np.array_equal(np.load(tmp_path / "out.npz")["y"], wanted)
