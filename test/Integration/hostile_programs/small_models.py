"""Small models with exactly the fault that a test wants."""
import onnx
from onnx import TensorProto, helper


def graph(nodes, inputs=None, outputs=None, initializers=(), rank=2, **model):
    """A model with a float input x of shape [N, 4] and a float output y of rank `rank`, where nothing else is said."""
    declare = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    inputs = [declare("x", ["N", 4])] if inputs is None else inputs
    # libonnx wants a shape on every output of the main graph; names stand for any size.
    outputs = [declare("y", [f"d{i}" for i in range(rank)])] if outputs is None else outputs
    body = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    return helper.make_model(body, **{"opset_imports": [helper.make_opsetid("", 21)], "ir_version": 10, **model})


def add_weight(weight, **model):
    """y = x + w, with w the initializer given."""
    return graph([helper.make_node("Add", ["x", weight.name or "w"], ["y"], name="sum")], initializers=[weight], **model)


def tensor(dims=(4,), data_type=TensorProto.FLOAT, name="w", **fields):
    """A TensorProto with exactly these fields."""
    made = onnx.TensorProto(name=name, data_type=data_type, dims=dims)
    for field, value in fields.items():
        if isinstance(value, (list, tuple)):
            getattr(made, field).extend(value)
        else:
            setattr(made, field, value)
    return made
