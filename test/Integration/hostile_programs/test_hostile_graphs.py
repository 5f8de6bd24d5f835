"""Recursion, attributes and graphs that contradict themselves."""
import numpy as np
import onnx
import pytest
from hostile_fixtures import refused, save, works  # noqa: F401 (fixtures)
from onnx import TensorProto, helper
from small_models import add_weight, graph, tensor

node = helper.make_node
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("our", 1)]
WEIGHT = tensor(raw_data=np.arange(4, dtype=np.float32).tobytes())


def function(name, *nodes):
    return helper.make_function("our", name, ["a"], ["b"], list(nodes), OPSETS)


def with_functions(*functions, call="F"):
    return graph([node(call, ["x"], ["y"], domain="our")], functions=list(functions), opset_imports=OPSETS)


def test_a_function_that_calls_itself(refused):
    refused(with_functions(function("F", node("F", ["a"], ["b"], domain="our"))))


def test_two_functions_that_call_each_other(refused):
    refused(with_functions(function("F", node("G", ["a"], ["b"], domain="our")), function("G", node("F", ["a"], ["b"], domain="our"))))


def test_recursion_through_a_body(refused):
    body = helper.make_graph([node("F", ["a"], ["z"], domain="our")], "g", [], [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)])
    flag = node("Constant", [], ["flag"], value=helper.make_tensor("flag", TensorProto.BOOL, [], [True]))
    refused(with_functions(function("F", flag, node("If", ["flag"], ["b"], then_branch=body, else_branch=body))))


def test_functions_that_double(refused):
    """F0 calls F1 twice, F1 calls F2 twice …: 2^40 nodes when unfolded."""
    levels = [function(f"F{i}", node(f"F{i + 1}", ["a"], ["t"], domain="our"), node(f"F{i + 1}", ["t"], ["b"], domain="our"))
              for i in range(40)]
    refused(with_functions(*levels, function("F40", node("Relu", ["a"], ["b"])), call="F0"))


@pytest.mark.parametrize("nodes, words", [
    ([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], name="pool")], ("pool",)),
    ([node("MaxPool", ["x4"], ["y"], kernel_shape=[2], name="pool")], ("pool",)),
    ([node("MaxPool", ["x4"], ["y"], kernel_shape=[2, 2], strides=[0, 1], name="pool")], ("pool",)),
    ([node("MaxPool", ["x4"], ["y"], kernel_shape=[2, 2], strides=[-1, 1], name="pool")], ("pool",)),
    ([node("MaxPool", ["x4"], ["y"], kernel_shape=[0, 2], name="pool")], ("pool",)),
    ([node("MaxPool", ["x4"], ["y"], kernel_shape=[2, 2], pads=[1], name="pool")], ("pool",)),
    ([node("MaxPool", ["x4"], ["y"], kernel_shape=[2, 2], pads=[-1, 0, 0, 0], name="pool")], ("pool",)),
    ([node("MaxPool", ["x4"], ["y"], kernel_shape=[2, 2], auto_pad="SOMETIMES", name="pool")], ("pool",)),
    ([node("Conv", ["x4", "k"], ["y"], group=0, name="conv")], ("conv",)),
    ([node("Conv", ["x4", "k"], ["y"], group=-1, name="conv")], ("conv",)),
    ([node("Conv", ["x4", "k"], ["y"], group=3, name="conv")], ("conv",)),
    ([node("Conv", ["x4", "k"], ["y"], dilations=[0, 1], name="conv")], ("conv",)),
    ([node("Conv", ["x4", "k"], ["y"], kernel_shape=[5, 5], name="conv")], ("conv",)),
    ([node("Softmax", ["x"], ["y"], axis=7, name="soft")], ("soft",)),
    ([node("Concat", ["x", "x"], ["y"], axis=-3, name="cat")], ("cat",)),
    ([node("Concat", ["x", "x4"], ["y"], axis=0, name="cat")], ("cat",)),
    ([node("Transpose", ["x"], ["y"], perm=[0, 0], name="turn")], ("turn",)),
    ([node("Transpose", ["x"], ["y"], perm=[0, 1, 2], name="turn")], ("turn",)),
    ([node("Split", ["x"], ["y", "z"], axis=1, num_outputs=0, name="split")], ("split",)),
    ([node("Add", ["x"], ["y"], name="sum")], ("sum",)),
    ([node("Add", ["x", "x", "x"], ["y"], name="sum")], ("sum",)),
    ([node("Add", ["x", ""], ["y"], name="sum")], ("sum",)),
    ([node("Relu", ["x"], ["y"], surprise=1, name="relu")], ("relu",)),
    ([node("Cast", ["x"], ["y"], to=99, name="cast")], ("cast",)),
    ([node("Cast", ["x"], ["y"], name="cast")], ("cast",)),
], ids=lambda value: None)
def test_attributes(nodes, words, refused):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]),
              helper.make_tensor_value_info("x4", TensorProto.FLOAT, [1, 4, 8, 8])]
    rank = 4 if nodes[0].op_type in ("MaxPool", "Conv") else 2
    refused(graph(nodes, inputs, initializers=[tensor((2, 4, 3, 3), name="k", raw_data=bytes(288))], rank=rank), *words)


@pytest.mark.parametrize("shape", [[-2, 4], [3, -1, -1], [0, 0, 5], [2**40, 2**40], [3, -1]])
def test_reshape(shape, refused):
    target = tensor((len(shape),), TensorProto.INT64, "s", int64_data=shape)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])]
    refused(graph([node("Reshape", ["x", "s"], ["y"], name="turn")], inputs, initializers=[target], rank=len(shape)), "turn")


def cyclic():
    return graph([node("Add", ["x", "b"], ["a"], name="first"), node("Relu", ["a"], ["b"], name="second"), node("Relu", ["b"], ["y"])])


@pytest.mark.parametrize("model, words", [
    (cyclic(), ()),
    (graph([node("Relu", ["missing"], ["y"], name="relu")]), ("missing",)),
    (graph([node("Relu", ["x"], ["y"]), node("Exp", ["x"], ["y"])]), ("y",)),
    (graph([node("Relu", ["x"], ["x"])], outputs=[helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])]), ("x",)),
    (graph([node("Relu", ["x"], ["z"])]), ("y",)),
    (graph([node("Add", ["x", "w"], ["y"])], initializers=[WEIGHT, WEIGHT]), ("w",)),
    (graph([node("Add", ["x", "w"], ["y"])], initializers=[tensor(name="", raw_data=bytes(16))]), ()),
    (graph([node("NoSuchOp", ["x"], ["y"], name="odd")]), ("NoSuchOp",)),
    (graph([node("Relu", ["x"], ["y"], domain="com.example", name="odd")], opset_imports=[*OPSETS, helper.make_opsetid("com.example", 1)]), ("com.example",)),
    (graph([node("Relu", ["x"], ["y"])], opset_imports=[helper.make_opsetid("", 0)]), ("opset",)),
    (graph([node("Relu", ["x"], ["y"])], opset_imports=[helper.make_opsetid("", 9999)]), ("9999",)),
    (graph([node("Relu", ["x"], ["y"])], opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("", 20)]), ("opset",)),
    (graph([node("Relu", ["x"], ["y"])], opset_imports=[]), ("opset",)),
    (graph([node("Relu", ["x"], ["y"])], ir_version=0), ()),
    (graph([node("Relu", ["x"], ["y"])], ir_version=999), ()),
    (onnx.ModelProto(ir_version=10, opset_import=OPSETS), ("graph",)),
], ids=lambda value: None)
def test_contradictions(model, words, refused):
    refused(model, *words)


def test_empty_node_names_work(works):
    works(graph([node("Relu", ["x"], ["a"], name=""), node("Neg", ["a"], ["y"], name="")]))


def test_unused_initializers_work(works):
    works(graph([node("Relu", ["x"], ["y"])], initializers=[WEIGHT]))


def test_an_initializer_that_is_also_an_input_works(works):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]), helper.make_tensor_value_info("w", TensorProto.FLOAT, [4])]
    works(graph([node("Add", ["x", "w"], ["y"])], inputs, initializers=[WEIGHT], ir_version=3))


def test_an_empty_slice_works(works):
    bounds = [tensor((1,), TensorProto.INT64, name, int64_data=[value]) for name, value in (("s", 3), ("e", 1), ("a", 1))]
    works(graph([node("Slice", ["x", "s", "e", "a"], ["y"])], initializers=bounds))


def test_an_old_opset_works(works):
    works(graph([node("Unsqueeze", ["x"], ["a"], axes=[0]), node("Squeeze", ["a"], ["y"], axes=[0])],
                opset_imports=[helper.make_opsetid("", 7)], ir_version=4))
