"""Initializers whose declared shape and data disagree, and files that are not what they say."""
import numpy as np
import pytest
from hostile_fixtures import refused, save, works  # noqa: F401 (fixtures)
from onnx import TensorProto, helper
from small_models import add_weight, graph, tensor

FOUR = np.arange(4, dtype=np.float32)


@pytest.mark.parametrize("weight, words", [
    (tensor(raw_data=FOUR.tobytes()[:-1]), ("15", "bytes")),
    (tensor(raw_data=FOUR.tobytes() + b"\0"), ("17", "bytes")),
    (tensor(float_data=[1, 2, 3]), ("3",)),
    (tensor(float_data=[1, 2, 3, 4, 5]), ("5",)),
    (tensor(), ("no values",)),
    (tensor(float_data=list(FOUR), int32_data=[1, 2, 3, 4]), ("more than one way",)),
    (tensor(float_data=list(FOUR), raw_data=FOUR.tobytes()), ("more than one way",)),
    (tensor(int64_data=[1, 2, 3, 4]), ()),
    (tensor(data_type=TensorProto.STRING, raw_data=b"abcd"), ("strings",)),
    (tensor(data_type=TensorProto.STRING, string_data=[b"a", b"b"]), ()),
    (tensor((3,), TensorProto.INT4, raw_data=b"\1"), ()),
    (tensor((3,), TensorProto.INT4, raw_data=b"\1\2\3"), ()),
    (tensor((5,), TensorProto.UINT2 if hasattr(TensorProto, "UINT2") else 25, raw_data=b"\1"), ()),
    (tensor((2**32, 2**32), float_data=[1]), ()),
    (tensor((2**62, 4), float_data=[1]), ()),
    (tensor((-4,), float_data=list(FOUR)), ()),
    (tensor((2**40,), raw_data=FOUR.tobytes()), ()),
    (tensor((2**40,)), ()),
    (tensor((1,) * 10000, float_data=[1]), ("rank",)),
    (tensor(data_type=99, raw_data=FOUR.tobytes()), ("99",)),
    (tensor(data_type=0, raw_data=FOUR.tobytes()), ()),
], ids=lambda value: None)
def test_disagreeing(weight, words, refused):
    refused(add_weight(weight), "w", *words)


def test_segments(refused):
    weight = tensor(raw_data=FOUR.tobytes())
    weight.segment.begin, weight.segment.end = 0, 2
    refused(add_weight(weight), "w", "segments")


def test_missing_types(refused):
    refused(graph([helper.make_node("Relu", ["x"], ["y"])], inputs=[helper.make_empty_tensor_value_info("x")]), "x")


@pytest.mark.parametrize("data", [b"", b"\0", b"not a model at all", b"\x08\x0a" * 4000, bytes(range(256)) * 64],
                         ids=["empty", "a zero", "text", "varints", "bytes"])
def test_garbage(data, refused):
    refused(data)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated(share, refused):
    whole = add_weight(tensor((1000, 4), raw_data=np.zeros(4000, np.float32).tobytes())).SerializeToString()
    refused(whole[:int(len(whole) * share)])


def test_a_length_past_the_end(refused):
    """A field that announces petabytes must not be believed."""
    refused(b"\x3a\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\0" * 64)


def test_a_missing_file(refused, tmp_path):
    refused(tmp_path / "absent.onnx")


def test_a_folder(refused, tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    refused(tmp_path / "folder.onnx")


def test_zero_sized_dims_work(works):
    weight = tensor((0, 4), raw_data=b"")
    nodes = [helper.make_node("Concat", ["x", "w"], ["t"], axis=0), helper.make_node("Relu", ["t"], ["y"])]
    works(graph(nodes, initializers=[weight]))


def test_an_empty_batch_works(works):
    works(add_weight(tensor(raw_data=FOUR.tobytes())), x=np.zeros((0, 4), np.float32))


def test_scalars_work(works):
    works(add_weight(tensor((), float_data=[3])))
