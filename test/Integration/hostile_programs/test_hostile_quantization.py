"""Quantization parameters that make no sense."""
import numpy as np
import pytest
from hostile_fixtures import refused, save, works  # noqa: F401 (fixtures)
from onnx import TensorProto, helper
from small_models import graph, tensor

node = helper.make_node
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]


def scalar(name, value, data_type=TensorProto.FLOAT, dims=()):
    return helper.make_tensor(name, data_type, dims, np.atleast_1d(value))


def quantized(scale, zero_point=None, **attributes):
    """x quantized and dequantized with these parameters; x is [N, 4]."""
    names = ["s"] + ["z"] * (zero_point is not None)
    nodes = [node("QuantizeLinear", ["x", *names], ["q"], name="quantize", **attributes),
             node("DequantizeLinear", ["q", *names], ["y"], name="dequantize", **attributes)]
    return graph(nodes, initializers=[scale, *([zero_point] if zero_point is not None else [])])


INT8, UINT8 = TensorProto.INT8, TensorProto.UINT8


@pytest.mark.parametrize("value", [0.0, -0.5, np.nan, np.inf, -np.inf, -0.0])
def test_scales(value, refused):
    refused(quantized(scalar("s", value), scalar("z", 0, INT8)), "scale")


@pytest.mark.parametrize("model", [
    quantized(scalar("s", [0.5] * 3, dims=[3]), scalar("z", [0] * 3, INT8, [3]), axis=1),
    quantized(scalar("s", [0.5] * 4, dims=[4]), scalar("z", [0] * 3, INT8, [3]), axis=1),
    quantized(scalar("s", [0.5] * 4, dims=[4]), scalar("z", [0] * 4, INT8, [4]), axis=5),
    quantized(scalar("s", 0.5), scalar("z", 0.0)),
    quantized(scalar("s", 0.5), scalar("z", 0, TensorProto.INT64)),
    quantized(scalar("s", 1, TensorProto.INT32), scalar("z", 0, INT8)),
    quantized(scalar("s", [0.5] * 8, dims=[2, 4]), scalar("z", [0] * 8, INT8, [2, 4]), axis=1, block_size=3),
], ids=["scale of another length", "zero point of another length", "axis out of range", "float zero point", "int64 zero point",
        "integer scale", "block that contradicts the scale's shape"])
def test_parameters(model, refused):
    refused(model)


def test_zero_point_out_of_int4(refused):
    """A zero point of int4 that holds more than four bits a value."""
    refused(quantized(scalar("s", 0.5), tensor((), TensorProto.INT4, "z", int32_data=[300])), "z")


def nbits(n=8, k=32, bits=4, block=32, weight=None, scales=None):
    weight = weight or tensor((8, 1, 16), UINT8, "b", raw_data=bytes(128))
    scales = scales or tensor((8,), name="s", raw_data=np.ones(8, np.float32).tobytes())
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 32])]
    return graph([node("MatMulNBits", ["x", "b", "s"], ["y"], domain="com.microsoft", name="nbits", N=n, K=k, bits=bits, block_size=block)],
                 inputs, initializers=[weight, scales], opset_imports=OPSETS)


@pytest.mark.parametrize("model", [
    nbits(n=16), nbits(k=64), nbits(bits=0), nbits(bits=5), nbits(bits=64), nbits(block=0), nbits(block=-32), nbits(block=24), nbits(n=-8),
    nbits(n=2**40, k=2**40), nbits(weight=tensor((8, 1, 15), UINT8, "b", raw_data=bytes(120))),
    nbits(scales=tensor((7,), name="s", raw_data=bytes(28))),
], ids=["N", "K", "0 bits", "5 bits", "64 bits", "block 0", "block -32", "block 24", "negative N", "giant", "bytes", "scales"])
def test_matmul_nbits(model, refused):
    refused(model, "nbits")


def test_dequantize_of_dequantize(refused):
    nodes = [node("DequantizeLinear", ["q", "s"], ["a"], name="first"), node("DequantizeLinear", ["a", "s"], ["y"], name="second")]
    inputs = [helper.make_tensor_value_info("q", INT8, ["N", 4])]
    refused(graph(nodes, inputs, initializers=[scalar("s", 0.5)]), "second")


def test_a_denormal_scale_works(works):
    works(quantized(scalar("s", 1e-40), scalar("z", 0, INT8)), x=np.array([[0, 1e-40, 3e-40, -5e-40]], np.float32))


def test_nonconstant_scales_work(works):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]), helper.make_tensor_value_info("s", TensorProto.FLOAT, [])]
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    works(graph(nodes, inputs, initializers=[scalar("z", 3, UINT8)]), x=np.linspace(-2, 2, 8, dtype=np.float32).reshape(2, 4),
          s=np.array(0.03, np.float32))


def test_a_partial_last_block_works(works):
    """Four columns in blocks of three: the last block has one."""
    scale = scalar("s", [0.5, 0.25] * 2, dims=[2, 2])
    x = np.array([[0.6, 1.1, -2.3, 9], [3, -4.4, 0.1, -0.3]], np.float32)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])]
    nodes = [node("QuantizeLinear", ["x", "s"], ["q"], axis=1, block_size=3, output_dtype=INT8),
             node("DequantizeLinear", ["q", "s"], ["y"], axis=1, block_size=3)]
    works(graph(nodes, inputs, initializers=[scale]), x=x)
