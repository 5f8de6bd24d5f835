"""Holds every quantized site of a model against ONNX Runtime by itself.

Rounding amplifies: where two programs differ by one code in a million, the codes behind it differ by more, and some ten layers on the
difference is as large as the noise of quantization itself; ONNX Runtime differs from itself so, with and without graph optimization. So
a deep model is cut at each tensor of codes: all programs get ONNX Runtime's own codes at each cut, and what each piece makes is compared.
"""
import collections
import re
import subprocess

import numpy as np
import onnx
from measure import onnx_runtime, span
from onnx import helper

MAKES_CODES = {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm", "QLinearConcat",
               "QLinearGlobalAveragePool", "QLinearMul", "QLinearSoftmax"}


def constants(graph):
    return {tensor.name for tensor in graph.initializer} | {o for n in graph.node if n.op_type == "Constant" for o in n.output}


def cut(path, feeds, folder, exact):
    """(cut model, its feeds, ONNX Runtime's value of each output and each cut)."""
    model = onnx.load(path)
    graph, known = model.graph, constants(model.graph)
    cuts = [output for node in graph.node if node.op_type in MAKES_CODES and not set(filter(None, node.input)) <= known
            for output in node.output if output]
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    outputs = {output.name for output in graph.output}
    whole.graph.output.extend(onnx.ValueInfoProto(name=name) for name in cuts if name not in outputs)
    onnx.save(whole, folder / "whole.onnx")
    values = onnx_runtime(folder / "whole.onnx", feeds, exact=exact)

    for node in graph.node:
        node.input[:] = [name + "@cut" if name in cuts else name for name in node.input]
    read = {name for node in graph.node for name in node.input}
    for name in cuts:
        info = helper.np_dtype_to_tensor_dtype(values[name].dtype), values[name].shape
        if name not in outputs:
            graph.output.append(helper.make_tensor_value_info(name, *info))
        if name + "@cut" in read:
            graph.input.append(helper.make_tensor_value_info(name + "@cut", *info))
            feeds = feeds | {name + "@cut": values[name]}
    del graph.value_info[:]
    onnx.save(model, folder / "cut.onnx")
    return folder / "cut.onnx", feeds, values


def compare_sites(path, feeds, program, folder, exact=True):
    """{output or cut: (largest difference, share of the elements that differ)}: in codes, and for floats in 255ths of their span."""
    model, feeds, expected = cut(path, feeds, folder, exact)
    got = program(model).run(feeds)
    result = {}
    for name, reference in expected.items():
        r, c = reference.astype(np.float64), got[name].astype(np.float64)
        step = 1.0 if reference.dtype.kind in "iu" else span(r) / 255 or 1.0
        difference = np.abs(r - c) / step
        result[name] = float(difference.max(initial=0)), float((difference > 1e-3).mean())
    return result


def products(path, tool, folder):
    """How often each kind of matrix product and convolution occurs once the model is legalized for code."""
    tool("qopt", "compile", path, "-o", folder / "imported.mlirbc", "--compile-to", "imported")
    elide = ["--mlir-elide-resource-strings-if-larger=1", "--mlir-elide-elementsattrs-if-larger=16"]
    text = subprocess.run([tool.path("qopt-opt"), "--qopt-legalize", *elide, folder / "imported.mlirbc"], capture_output=True,
                          text=True, check=True).stdout
    return dict(collections.Counter(re.findall(r"= ((?:nn|qopt)\.(?:integer_)?(?:matmul|gemm|conv))\b", text)))
