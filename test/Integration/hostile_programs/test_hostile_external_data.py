"""Paths, offsets and lengths of external data: confined to the model's folder on every route, read in any order."""
import os

import numpy as np
import onnx
import pytest
from hostile_fixtures import refused, save, works  # noqa: F401 (fixtures)
from onnx import TensorProto, helper
from small_models import add_weight, graph, tensor

WEIGHTS = np.arange(4, dtype=np.float32).tobytes()


def external(name="w", dims=(4,), **entries):
    """An initializer whose bytes lie in another file."""
    made = tensor(dims, name=name, data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        made.external_data.add(key=key, value=str(value))
    return made


@pytest.fixture
def outside(tmp_path):
    """A file that holds the right bytes, outside of the model's folder."""
    (tmp_path / "outside.bin").write_bytes(WEIGHTS)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "sub").mkdir()
    return folder


@pytest.mark.parametrize("location", ["../outside.bin", "sub/../../outside.bin", "./../outside.bin", "", ".", "sub", "/etc/passwd",
                                      "w.bin\0.txt", "missing.bin", "sub/missing/../../w.bin/", "*/_ORT_MEM_ADDR_/",
                                      "C:\\outside.bin", "file:///etc/passwd"])
def test_paths(location, outside, refused):
    (outside / "model.onnx").write_bytes(add_weight(external(location=location)).SerializeToString())
    refused(outside / "model.onnx", "w")


@pytest.mark.parametrize("kind", ["symlink", "parent symlink", "hard link", "fifo", "device"])
def test_links_and_special_files(kind, outside, refused):
    location = "w.bin"
    if kind == "symlink":
        (outside / "w.bin").symlink_to("../outside.bin")
    elif kind == "parent symlink":
        (outside / "link").symlink_to("..")
        location = "link/outside.bin"
    elif kind == "hard link":
        os.link(outside.parent / "outside.bin", outside / "w.bin")
    elif kind == "fifo":
        os.mkfifo(outside / "w.bin")
    else:
        (outside / "w.bin").symlink_to("/dev/zero")
    (outside / "model.onnx").write_bytes(add_weight(external(location=location)).SerializeToString())
    refused(outside / "model.onnx", "w")


@pytest.mark.parametrize("entries, words", [
    ({"offset": -4}, ("offset",)), ({"offset": "four"}, ("offset",)), ({"length": -16}, ("length",)), ({"length": "0x10"}, ("length",)),
    ({"offset": 4}, ()), ({"offset": 17}, ()), ({"length": 12}, ()), ({"length": 20}, ()), ({"offset": 2**64 - 8, "length": 16}, ()),
    ({"offset": 2**63 - 1, "length": 16}, ()), ({"length": 2**60}, ()), ({"offset": 2**70}, ("offset",)), ({"surprise": 1}, ("surprise",)),
])
def test_ranges(entries, words, outside, refused):
    (outside / "w.bin").write_bytes(WEIGHTS)
    (outside / "model.onnx").write_bytes(add_weight(external(location="w.bin", **entries)).SerializeToString())
    refused(outside / "model.onnx", "w", *words)


def constant(value):
    return helper.make_node("Constant", [], ["w"], value=value, name="constant")


def if_body(value):
    add = helper.make_node("Add", ["x", "w"], ["z"])
    body = lambda: helper.make_graph([add], "body", [], [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)], [value])
    flag = helper.make_node("Constant", [], ["flag"], value=helper.make_tensor("flag", TensorProto.BOOL, [], [True]))
    return graph([flag, helper.make_node("If", ["flag"], ["y"], then_branch=body(), else_branch=body())])


def function_body(value):
    function = helper.make_function("our", "Plus", ["a"], ["b"], [constant(value), helper.make_node("Add", ["a", "w"], ["b"])],
                                    [helper.make_opsetid("", 21)])
    return graph([helper.make_node("Plus", ["x"], ["y"], domain="our")], functions=[function],
                 opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("our", 1)])


def sparse(value):
    indices = helper.make_tensor("i", TensorProto.INT64, [4], [0, 1, 2, 3])
    add = helper.make_node("Add", ["x", "w"], ["y"])
    return graph([helper.make_node("Constant", [], ["w"], sparse_value=helper.make_sparse_tensor(value, indices, [4])), add])


@pytest.mark.parametrize("route", [
    lambda value: graph([constant(value), helper.make_node("Add", ["x", "w"], ["y"])]), if_body, function_body, sparse,
], ids=["constant", "subgraph", "function", "sparse"])
def test_other_routes(route, outside, refused):
    (outside / "model.onnx").write_bytes(route(external(location="../outside.bin")).SerializeToString())
    refused(outside / "model.onnx")


def test_initializers_out_of_offset_order_work(outside, works):
    second, first = external("b", location="w.bin", offset=16, length=16), external("a", location="w.bin", offset=0, length=16)
    (outside / "w.bin").write_bytes(WEIGHTS + np.full(4, 100, np.float32).tobytes())
    nodes = [helper.make_node("Mul", ["x", "b"], ["t"]), helper.make_node("Add", ["t", "a"], ["y"])]
    (outside / "model.onnx").write_bytes(graph(nodes, initializers=[second, first]).SerializeToString())
    works(outside / "model.onnx")


def test_a_subfolder_works(outside, works):
    (outside / "sub/w.bin").write_bytes(WEIGHTS)
    (outside / "model.onnx").write_bytes(add_weight(external(location="sub/w.bin")).SerializeToString())
    works(outside / "model.onnx")


def test_onnx_wrote_it(outside, works):
    weight = onnx.numpy_helper.from_array(np.arange(4096, dtype=np.float32).reshape(1024, 4), "w")
    model = graph([helper.make_node("MatMul", ["x", "t"], ["y"]), ], initializers=[weight])
    model.graph.node.insert(0, helper.make_node("Transpose", ["w"], ["t"]))
    onnx.save(model, outside / "model.onnx", save_as_external_data=True, location="all.bin")
    works(outside / "model.onnx")
