"""Writes a decoder with random weights as ONNX with external data: decoder.py OUT.onnx CALIB.npz [--layers 13] [--hidden 2048] ...

Pre-norm blocks of attention (causal, rotary positions left out) and a gated SiLU MLP, as exporters write them; the defaults make 3.2 GB.
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper


class Weights:
    """Initializers whose bytes go straight to one file."""

    def __init__(self, path, seed=0):
        self.file, self.name, self.tensors = open(path, "wb"), path.name, []
        self.random = np.random.default_rng(seed)

    def add(self, name, array):
        offset = (self.file.tell() + 4095) // 4096 * 4096
        self.file.seek(offset)
        self.file.write(array.tobytes())
        tensor = T(name=name, data_type=T.FLOAT, dims=array.shape, data_location=T.EXTERNAL)
        for key, value in {"location": self.name, "offset": offset, "length": array.nbytes}.items():
            tensor.external_data.add(key=key, value=str(value))
        self.tensors.append(tensor)
        return name

    def matrix(self, name, rows, columns):
        return self.add(name, self.random.standard_normal((rows, columns), np.float32) / np.float32(rows**0.5))


class Builder:
    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.count = weights, [], [], 0

    def op(self, kind, *inputs, name=None, **attributes):
        self.count += 1
        out = name or f"{kind}_{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, **attributes))
        return out

    def const(self, array):
        self.count += 1
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(array), f"c{self.count}"))
        return f"c{self.count}"

    def norm(self, x, name, width):
        square = self.op("Mul", x, x)
        mean = self.op("ReduceMean", square, self.const(np.array([-1])), keepdims=1)
        root = self.op("Sqrt", self.op("Add", mean, self.const(np.float32(1e-5))))
        return self.op("Mul", self.op("Div", x, root), self.weights.add(name, np.ones(width, np.float32)))

    def linear(self, x, name, rows, columns):
        return self.op("MatMul", x, self.weights.matrix(name + ".weight", rows, columns), name=name)

    def heads(self, x, count, order):
        return self.op("Transpose", self.op("Reshape", x, self.const(np.array([0, 0, count, -1]))), perm=order)

    def block(self, x, mask, index, hidden, inner, heads):
        at = f"layers.{index}"
        h = self.norm(x, f"{at}.input_norm", hidden)
        q, k, v = (self.linear(h, f"{at}.attention.{part}", hidden, hidden) for part in ("q", "k", "v"))
        scores = self.op("MatMul", self.heads(q, heads, [0, 2, 1, 3]), self.heads(k, heads, [0, 2, 3, 1]))
        scores = self.op("Mul", scores, self.const(np.float32((hidden / heads) ** -0.5)))
        shares = self.op("Softmax", self.op("Add", scores, mask), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", shares, self.heads(v, heads, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        mixed = self.op("Reshape", mixed, self.const(np.array([0, 0, hidden])))
        x = self.op("Add", x, self.linear(mixed, f"{at}.attention.out", hidden, hidden))
        h = self.norm(x, f"{at}.mlp_norm", hidden)
        gate = self.linear(h, f"{at}.mlp.gate", hidden, inner)
        gate = self.op("Mul", gate, self.op("Sigmoid", gate))
        up = self.op("Mul", gate, self.linear(h, f"{at}.mlp.up", hidden, inner))
        return self.op("Add", x, self.linear(up, f"{at}.mlp.down", inner, hidden))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("calibration", type=pathlib.Path)
    for name, value in {"layers": 13, "hidden": 2048, "inner": 5632, "heads": 16, "vocabulary": 32000, "samples": 4, "length": 128}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    b = Builder(Weights(a.model.with_suffix(".data")))
    x = b.op("Gather", b.weights.matrix("embedding", a.vocabulary, a.hidden), "input_ids")
    mask = b.const(np.triu(np.full((a.length, a.length), -1e9, np.float32), 1))
    for layer in range(a.layers):
        x = b.block(x, mask, layer, a.hidden, a.inner, a.heads)
    b.op("MatMul", b.norm(x, "norm", a.hidden), b.weights.matrix("lm_head.weight", a.hidden, a.vocabulary), name="logits")
    graph = helper.make_graph(b.nodes, "decoder", [helper.make_tensor_value_info("input_ids", T.INT64, ["batch", a.length])],
                              [helper.make_tensor_value_info("logits", T.FLOAT, ["batch", a.length, a.vocabulary])],
                              b.weights.tensors + b.constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), a.model)
    ids = np.random.default_rng(1).integers(0, a.vocabulary, (a.samples, a.length))
    np.savez(a.calibration, input_ids=ids)
    b.weights.file.close()
    print(f"{a.model.with_suffix('.data').stat().st_size / 1e9:.2f} GB of weights")


if __name__ == "__main__":
    main()
