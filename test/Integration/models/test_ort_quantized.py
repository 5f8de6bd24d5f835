"""Models that ONNX Runtime's own tools quantized: imported as integer code, compiled, run, and matched against ONNX Runtime."""
import numpy as np
import onnx
import pytest
from measure import agreement, onnx_runtime, span, worst_share
from models.sites import compare_sites, products
from onnxruntime import quantization
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process

RESNET, EFFICIENTNET, MINILM = "resnet8_fmnist.onnx", "efflite0_fmnist96.onnx", "minilm_l6.onnx"
MODELS = {  # kit of data, op types to quantize (None: all), samples to calibrate, to compare, and to compare site by site
    RESNET: ("fmnist", None, 64, 300, 50),
    EFFICIENTNET: ("fmnist96", None, 16, 50, 4),
    MINILM: ("minilm", ["MatMul", "Gemm"], 16, 10, 4),
}
STATIC = {  # name: activations, per channel, form
    "static_u8s8_pc": (QuantType.QUInt8, True, QuantFormat.QDQ),
    "static_s8s8_pc": (QuantType.QInt8, True, QuantFormat.QDQ),
    "static_s8s8_pt": (QuantType.QInt8, False, QuantFormat.QDQ),
    "static_s8s8_qoperator": (QuantType.QInt8, True, QuantFormat.QOperator),
}
CODE = {  # products after legalization: MiniLM's dynamic recipes leave attention's two products in float
    (RESNET, "static"): {"qopt.integer_conv": 9, "qopt.integer_matmul": 1},
    (EFFICIENTNET, "static"): {"qopt.integer_conv": 49, "qopt.integer_matmul": 1},
    (MINILM, "static"): {"qopt.integer_matmul": 48},
    (RESNET, "dynamic"): {"qopt.integer_conv": 9, "qopt.integer_matmul": 1},
    (EFFICIENTNET, "dynamic"): {"qopt.integer_conv": 49, "qopt.integer_matmul": 1},
    (MINILM, "dynamic"): {"qopt.integer_matmul": 36, "nn.matmul": 12},
}


class Samples(CalibrationDataReader):
    """The calibration samples, eight at a time."""

    def __init__(self, feeds):
        count = len(next(iter(feeds.values())))
        self.left = iter([{k: v[i:i + 8] for k, v in feeds.items()} for i in range(0, count, 8)])

    def get_next(self):
        return next(self.left, None)


@pytest.fixture
def quantized(model, tmp_path):
    """quantized(name, recipe): (the quantized model, arrays to compare on, arrays to compare site by site)."""

    def make(name, recipe):
        kit, ops, calibrate, compare, compare_each = MODELS[name]
        ready, out = tmp_path / "ready.onnx", tmp_path / f"{recipe}.onnx"
        quant_pre_process(str(model(name)), str(ready), skip_symbolic_shape=True)
        with np.load(model(f"{kit}_calib.npz")) as data:
            calibration = {k: data[k][:calibrate] for k in data.files}
        with np.load(model(f"{kit}_eval.npz")) as data:
            feeds = {k: data[k][:compare] for k in data.files}
        if recipe in STATIC:
            activations, per_channel, form = STATIC[recipe]
            quantization.quantize_static(str(ready), str(out), Samples(calibration), quant_format=form, per_channel=per_channel,
                                         activation_type=activations, weight_type=QuantType.QInt8, op_types_to_quantize=ops)
        else:
            quantization.quantize_dynamic(str(ready), str(out), weight_type=QuantType.QInt8, per_channel=recipe.endswith("pc"),
                                          op_types_to_quantize=ops)
        return out, feeds, {k: v[:compare_each] for k, v in feeds.items()}

    return make


def assert_same_sites(path, feeds, program, folder, exact):
    """No site differs by more than one step, and 99.9 % of its elements are the same."""
    sites = compare_sites(path, feeds, program, folder, exact)
    bad = {name: found for name, found in sites.items() if found[0] > 1 or found[1] > 1e-3}
    assert len(sites) > 10 and not bad, f"of {len(sites)} sites (largest difference in steps, share that differs): {bad}"


def assert_same_outputs(expected, got, share):
    """One step of 255 of the output's span on this share of the elements."""
    shares = {name: agreement(r, got[name], span(r) / 255) for name, r in expected.items() if r.dtype.kind == "f"}
    assert shares and min(shares.values()) >= share, f"within one step: {shares}"


# `exact`: ONNX Runtime without graph optimization, which runs QDQ models in float and has kernels for all QOperator models; else its
# integer kernels, of which the ones for dynamic models saturate unless optimization replaces them (see measure.onnx_runtime).
@pytest.mark.parametrize("name, recipe, exact", [
    *[(name, recipe, True) for name in (RESNET, EFFICIENTNET, MINILM) for recipe in STATIC],
    *[(name, recipe, False) for name in (RESNET, MINILM) for recipe in ("dynamic_pc", "dynamic_pt")],
])
def test_sites(name, recipe, exact, quantized, program, tool, tmp_path):
    path, _, feeds = quantized(name, recipe)
    assert products(path, tool, tmp_path) == CODE[name, recipe.split("_")[0]]
    assert_same_sites(path, feeds, program, tmp_path, exact)


# One code of one residual addition (ONNX Runtime's QLinearAdd sums in another order) may flip and take one of EfficientNet's 50 images
# with it; all else is equal to the bit.
@pytest.mark.parametrize("name, recipe, exact, share", [
    (RESNET, "static_u8s8_pc", False, 0.999), (RESNET, "static_s8s8_qoperator", True, 0.999), (RESNET, "dynamic_pc", False, 0.999),
    (RESNET, "dynamic_pt", False, 0.999), (EFFICIENTNET, "static_u8s8_pc", False, 0.98),
    (EFFICIENTNET, "static_s8s8_qoperator", True, 0.98), (EFFICIENTNET, "dynamic_pc", False, 0.999),
])
def test_whole_model(name, recipe, exact, share, quantized, program):
    """End to end against ONNX Runtime's own integer kernels."""
    path, feeds, _ = quantized(name, recipe)
    assert_same_outputs(onnx_runtime(path, feeds, 10, exact), program(path).run(feeds, batch=10), share)


@pytest.mark.parametrize("group, symmetric", [(32, True), (128, True), (32, False)])
def test_nbits4(group, symmetric, model, program, tmp_path):
    """MatMulNBits with and without zero points. Accuracy level 0 keeps activations in float, as the op's formula has it."""
    with np.load(model("minilm_eval.npz")) as data:
        feeds = {k: data[k][:4] for k in data.files}
    quantizer = MatMulNBitsQuantizer(onnx.load(model(MINILM)), block_size=group, is_symmetric=symmetric, accuracy_level=0)
    quantizer.process()
    onnx.save(quantizer.model.model, tmp_path / "int4.onnx")
    expected, got = onnx_runtime(tmp_path / "int4.onnx", feeds), program(tmp_path / "int4.onnx").run(feeds)
    assert max(worst_share(r, got[k]) for k, r in expected.items()) <= 1e-4


def test_nbits4_with_float_zero_points(program, tmp_path):
    """MatMulNBits whose zero points are not whole, as HQQ's are."""
    random, (k, n, block) = np.random.default_rng(5), (80, 48, 32)
    blocks = -(-k // block)
    arrays = {"w": random.integers(0, 256, (n, blocks, block // 2), np.uint8), "s": random.uniform(0.1, 1, n * blocks).astype(np.float32),
              "z": random.uniform(-2, 17, n * blocks).astype(np.float32)}
    node = onnx.helper.make_node("MatMulNBits", ["x", *arrays], ["y"], domain="com.microsoft", K=k, N=n, bits=4, block_size=block)
    graph = onnx.helper.make_graph([node], "nbits", [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["m", k])],
                                   [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["m", n])],
                                   [onnx.numpy_helper.from_array(a, name) for name, a in arrays.items()])
    opsets = [onnx.helper.make_opsetid("", 21), onnx.helper.make_opsetid("com.microsoft", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "nbits.onnx")
    feeds = {"x": random.standard_normal((7, k)).astype(np.float32)}
    expected = onnx_runtime(tmp_path / "nbits.onnx", feeds)["y"]
    assert worst_share(expected, program(tmp_path / "nbits.onnx").run(feeds)["y"]) <= 1e-6
