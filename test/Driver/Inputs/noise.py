"""The oracle of noise.mlir: numpy on what the exported QDQ model holds."""
import json
import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[2])


def samples():
    x = np.random.default_rng(5).normal(size=(20, 16)).astype("f")
    np.savez(folder / "x.npz", x=x)


def sqnr(reference, test):
    reference, test = reference.astype("d"), test.astype("d")
    return 10 * np.log10((reference**2).sum() / ((reference - test) ** 2).sum())


class Linear:
    """A MatMul of the exported model: its operands as the float and the quantized program see them."""

    def __init__(self, graph, node):
        constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        made = {o: n for n in graph.node for o in n.output}
        activation, weight = (made[name] for name in node.input)
        quantize = made[activation.input[0]]
        self.scale, self.zero = (constants[name] for name in quantize.input[1:])
        self.smooth = constants[made[quantize.input[0]].input[1]]
        codes, scales = (constants[name] for name in weight.input[:2])
        self.weight = (codes.astype("f") * scales).astype("f")

    def __call__(self, x):
        codes = np.clip(np.rint(x * self.smooth / self.scale) + self.zero, 0, 255)
        return ((codes - self.zero) * self.scale).astype("f") @ self.weight


def check():
    graph = onnx.load(folder / "q.onnx").graph
    first, second = (Linear(graph, n) for n in graph.node if n.op_type == "MatMul")
    x = np.load(folder / "x.npz")["x"][:12]
    w, u = float_weights()
    act = lambda v: np.logaddexp(np.float32(0), v)  # Lets no factor through: the second product has its own.
    float_first, whole_first = x @ w, first(x)
    float_second, whole_second = act(float_first) @ u, second(act(whole_first))
    expected = {
        "first": (sqnr(float_first, first(x)), sqnr(float_first, whole_first)),
        "second": (sqnr(float_second, second(act(float_first))), sqnr(float_second, whole_second)),
    }
    noise = json.load(open(folder / "report.json"))["noise"]
    assert noise["samples"] == 12
    assert [row["site"] for row in noise["sites"]] == ["first", "second"]
    for row in noise["sites"]:
        found = row["local_sqnr_db"], row["accumulated_sqnr_db"]
        np.testing.assert_allclose(found, expected[row["site"]], atol=0.01, err_msg=row["site"])
    np.testing.assert_allclose(noise["outputs"][0]["accumulated_sqnr_db"], expected["second"][1], atol=0.01)


def float_weights():
    """Those of the test file itself."""
    text = pathlib.Path(__file__).parent.with_name("noise.mlir").read_text()
    resource = bytes.fromhex(text.split('w: "0x')[1].split('"')[0])[4:]
    inline = text.split("%u = nn.constant dense<")[1].split(">")[0]
    return np.frombuffer(resource, "<f4").reshape(16, 8), np.array(json.loads(inline), "f")


if sys.argv[1] == "samples":
    samples()
else:
    import onnx
    from onnx import numpy_helper

    check()
