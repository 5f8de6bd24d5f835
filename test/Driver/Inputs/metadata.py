"""A model with metadata_props for metadata.test, and what must be left of them."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

GIVEN = {"author": 'someone "quoted"', "labels, by line": "cat\ndog", "qopt.recipe": "of another day"}


def write(path):
    weight = numpy_helper.from_array(np.arange(12, dtype="f").reshape(4, 3), "w")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], "m")], "g", [x], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    helper.set_model_props(model, GIVEN)
    onnx.save(model, path)


def check(path):
    props = onnx.load(path).metadata_props
    found = {p.key: p.value for p in props}
    assert len(found) == len(props), props
    assert found["author"] == GIVEN["author"] and found["labels, by line"] == GIVEN["labels, by line"], found
    assert found["qopt.recipe"] == "W8A16" and len(found["qopt.model"]) == 64, found


{"write": write, "check": check}[sys.argv[1]](sys.argv[2])
