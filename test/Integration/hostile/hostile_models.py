"""Models that must not hurt (categories 1 to 9 of docs/testing.md's hostile inputs): each a function of a folder.

`case(sentence)` registers a model that must be refused with one sentence that the pattern matches; `case(None)` one that must work.
The function writes what it needs into the folder and returns the model: a ModelProto or the file's bytes.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CASES = {}


def case(sentence):
    def register(make):
        CASES[make.__name__] = (make, sentence)
        return make
    return register


def value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs=None, initializers=(), opset=17, ir=8, out=("a", "b"), out_type=TensorProto.FLOAT, **more):
    outputs = [value("y", list(out), out_type)]
    graph = helper.make_graph(nodes, "g", inputs if inputs is not None else [value("x", [2, 3])], outputs, list(initializers))
    opsets = more.pop("opsets", [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, **more)


def node(op, inputs, outputs=("y",), **attributes):
    return helper.make_node(op, list(inputs), list(outputs), name=attributes.pop("name", f"the_{op}"), **attributes)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def external(name="w", dims=(2, 3), dtype=TensorProto.FLOAT, **entries):
    proto = TensorProto(name=name, data_type=dtype, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, text in entries.items():
        proto.external_data.add(key=key, value=str(text))
    return proto


def add_external(folder, **entries):
    (folder / "data.bin").write_bytes(np.arange(64, dtype=np.float32).tobytes())
    return model([node("Add", ["x", "w"])], initializers=[external(**{"location": "data.bin", **entries})])


# 1. Paths of external data.
@case(r"tensor 'w' .*\.\.")
def path_parent(folder):
    (folder.parent / "outside.bin").write_bytes(bytes(24))
    return add_external(folder, location="../outside.bin")


@case(r"tensor 'w' .*\.\.")
def path_parent_inside(folder):
    (folder / "a").mkdir()
    return add_external(folder, location="a/../data.bin")


@case(r"tensor 'w' .*absolute")
def path_absolute(folder):
    return add_external(folder, location=str(folder / "data.bin"))


@case(r"tensor 'w' .*(NUL|zero byte|null)")
def path_nul(folder):
    return add_external(folder, location="data.bin\0x")


@case(r"tensor 'w' .*empty")
def path_empty(folder):
    return add_external(folder, location="")


@case(r"tensor 'w' .*regular file")
def path_directory(folder):
    (folder / "d").mkdir()
    return add_external(folder, location="d")


@case(r"tensor 'w' .*regular file")
def path_fifo(folder):
    os.mkfifo(folder / "fifo")
    return add_external(folder, location="fifo")


@case(r"tensor 'w' .*symbolic link")
def path_symlink(folder):
    (folder.parent / "outside.bin").write_bytes(bytes(24))
    (folder / "link").symlink_to(folder.parent / "outside.bin")
    return add_external(folder, location="link")


@case(r"tensor 'w' .*symbolic link")
def path_symlinked_parent(folder):
    (folder / "dir").symlink_to(folder.parent, target_is_directory=True)
    (folder.parent / "outside.bin").write_bytes(bytes(24))
    return add_external(folder, location="dir/outside.bin")


@case(r"tensor 'w' .*hard link")
def path_hardlink(folder):
    (folder.parent / "hard.bin").write_bytes(bytes(24))
    os.link(folder.parent / "hard.bin", folder / "hard.bin")
    return add_external(folder, location="hard.bin")


@case(r"tensor 'w' .*cannot be read")
def path_missing(folder):
    return add_external(folder, location="nowhere.bin")


# 2. The same on every route.
@case(r"\.\.")
def route_constant(folder):
    return model([node("Constant", [], ["w"], value=external(location="../x")), node("Add", ["x", "w"])])


@case(r"\.\.")
def route_subgraph(folder):
    branch = helper.make_graph([node("Identity", ["inner"], ["z"])], "b", [], [value("z", ["a", "b"])], [external("inner", location="../x")])
    return model([node("If", ["c"], then_branch=branch, else_branch=branch)], [value("c", [], TensorProto.BOOL)])


@case(r"\.\.")
def route_function(folder):
    body = helper.make_function("f", "F", ["a"], ["b"],
                                [node("Constant", [], ["k"], value=external(location="../x")), node("Add", ["a", "k"], ["b"])],
                                [helper.make_opsetid("", 17)])
    return model([node("F", ["x"], domain="f")], functions=[body],
                 opsets=[helper.make_opsetid("", 17), helper.make_opsetid("f", 1)])


@case(r"\.\.")
def route_attribute(folder):
    return model([node("ConstantOfShape", ["s"], value=external("v", (1,), location="../x"))], [value("s", [1], TensorProto.INT64)])


@case(r"another runtime's memory")
def route_memory_marker(folder):
    return add_external(folder, location="*/_ORT_MEM_ADDR_/*", offset=140000000000)


# 3. Offset and length.
@case(r"tensor 'w' .*offset '-1' is not a number")
def offset_negative(folder):
    return add_external(folder, offset=-1)


@case(r"tensor 'w' .*offset 'abc' is not a number")
def offset_text(folder):
    return add_external(folder, offset="abc")


@case(r"tensor 'w' ")
def offset_past_end(folder):
    return add_external(folder, offset=4096)


@case(r"tensor 'w' ")
def offset_wraps(folder):
    return add_external(folder, offset=2**64 - 8)


@case(r"tensor 'w' .*length '99999999999999999999999' is not a number")
def length_beyond_64_bits(folder):
    return add_external(folder, length="9" * 23)


@case(r"tensor 'w' .*needs 24")
def length_petabytes(folder):
    return add_external(folder, length=2**50)


@case(r"unknown key 'sudo'")
def external_unknown_key(folder):
    return add_external(folder, sudo="1")


@case(None)
def initializers_out_of_order(folder):
    (folder / "data.bin").write_bytes(np.arange(64, dtype=np.float32).tobytes())
    return model([node("Add", ["x", "w"], ["z"]), node("Add", ["z", "v"])],
                 initializers=[external(location="data.bin", offset=128, length=24), external("v", location="data.bin", offset=0)])


# 4. Declared shape against data.
def with_weight(proto):
    return model([node("Add", ["x", "w"])], initializers=[proto])


@case(r"tensor 'w' holds 20 bytes, but float32\[2,3\] needs 24")
def raw_too_few(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[2, 3], raw_data=bytes(20)))


@case(r"tensor 'w' holds 4096 bytes, but float32\[2,3\] needs 24")
def raw_too_many(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[2, 3], raw_data=bytes(4096)))


@case(r"tensor 'w' holds no values")
def typed_empty(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[2, 3]))


@case(r"tensor 'w' holds 5 values")
def typed_too_few(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[2, 3], float_data=[0] * 5))


@case(r"tensor 'w' gives its values in more than one way")
def two_fields(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[2, 3], float_data=[0] * 6, raw_data=bytes(24)))


@case(r"tensor 'w' holds strings as raw bytes")
def raw_strings(folder):
    return with_weight(TensorProto(name="w", data_type=TensorProto.STRING, dims=[2], raw_data=bytes(8)))


@case(None)
def odd_four_bits(folder):
    w = TensorProto(name="w", data_type=TensorProto.INT4, dims=[3], raw_data=b"\x21\x03")
    return model([node("DequantizeLinear", ["w", "s"], ["d"]), node("Add", ["x", "d"])],
                 initializers=[w, tensor("s", np.float32(1))], opset=21, ir=10)


@case(r"tensor 'w' holds 1 bytes")
def odd_four_bits_short(folder):
    w = TensorProto(name="w", data_type=TensorProto.INT4, dims=[3], raw_data=b"\x21")
    return model([node("DequantizeLinear", ["w", "s"])], initializers=[w, tensor("s", np.float32(1))], opset=21, ir=10)


@case(r"tensor 'w' ")
def dims_overflow(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[2**40, 2**40], raw_data=bytes(4)))


@case(r"tensor 'w' ")
def dims_negative(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[-1, 3], raw_data=bytes(4)))


@case(r"tensor 'w' has the element type 99")
def type_unknown(folder):
    return with_weight(TensorProto(name="w", data_type=99, dims=[1], raw_data=bytes(4)))


@case(r"tensor 'w' has the element type 0")
def type_undefined(folder):
    return with_weight(TensorProto(name="w", dims=[1], raw_data=bytes(4)))


@case(r"input 'x'|type")
def type_missing(folder):
    m = model([node("Relu", ["x"])])
    m.graph.input[0].ClearField("type")
    return m


@case(None)
def zero_dims(folder):
    return model([node("Add", ["x", "w"])], [value("x", [0, 3])], [TensorProto(name="w", data_type=1, dims=[0, 3])])


@case(None)
def scalars(folder):
    return model([node("Add", ["x", "w"])], [value("x", [])], out=[], initializers=[tensor("w", np.float32(2))])


# 5. Size before data.
@case(r"tensor 'w' ")
def giant_without_bytes(folder):
    return with_weight(TensorProto(name="w", data_type=1, dims=[1 << 40]))


@case(r"needs|too large|does not fit|overflow")
def giant_from_shape(folder):
    return model([node("ConstantOfShape", ["s"], ["z"]), node("Add", ["x", "z"])], initializers=[tensor("s", np.array([2**40, 2**40]))])


@case(r"cut off")
def truncated(folder):
    return with_weight(tensor("w", np.zeros((2, 3), np.float32))).SerializeToString()[:-7]


@case(r"cut off|not an ONNX model|graph")
def garbage(folder):
    return bytes(range(256)) * 16


@case(r"empty")
def empty_file(folder):
    return b""


@case(r"no graph|cut off")
def no_graph(folder):
    return onnx.ModelProto(ir_version=8, opset_import=[helper.make_opsetid("", 17)])


# 6. Recursion.
def function(name, calls, domain="f"):
    return helper.make_function(domain, name, ["a"], ["b"], calls, [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)])


def functions_model(functions):
    return model([node("F0", ["x"], domain="f")], functions=functions,
                 opsets=[helper.make_opsetid("", 17), helper.make_opsetid("f", 1)])


@case(r"[Cc]ycle|recursive")
def function_calls_itself(folder):
    return functions_model([function("F0", [node("F0", ["a"], ["b"], domain="f")])])


@case(r"[Cc]ycle|recursive")
def functions_call_each_other(folder):
    return functions_model([function("F0", [node("F1", ["a"], ["b"], domain="f")]), function("F1", [node("F0", ["a"], ["b"], domain="f")])])


@case(r"[Cc]ycle|recursive")
def function_through_if(folder):
    branch = helper.make_graph([node("F0", ["a"], ["z"], domain="f")], "b", [], [value("z", ["a", "b"])])
    return functions_model([function("F0", [node("Constant", [], ["c"], value=tensor("c", np.array(True))),
                                            node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)])])


@case(r"unfold to more than")
def exponential_functions(folder):
    def twice(i):
        return [node(f"F{i + 1}", ["a"], ["m"], domain="f"), node(f"F{i + 1}", ["m"], ["b"], domain="f")]
    return functions_model([function(f"F{i}", twice(i)) for i in range(40)] + [function("F40", [node("Relu", ["a"], ["b"])])])


@case(r"nested too deeply|cut off|deep")
def deep_nesting(folder):
    def field(number, content):
        length, size = b"", len(content)
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content
    graph = b""
    for _ in range(2000):  # graph.node.attribute.g, again and again
        graph = field(1, field(5, field(6, graph)))
    return bytes([1 << 3, 8]) + field(8, bytes([2 << 3, 17])) + field(7, graph)


@case(r"rank")
def rank_ten_thousand(folder):
    return model([node("Relu", ["x"])], [value("x", [1] * 10000)])


# 7. Attributes.
def conv(**attributes):
    return model([node("Conv", ["x", "w"], **attributes)], [value("x", [1, 4, 8, 8])], out="nchw",
                 initializers=[tensor("w", np.zeros((4, 4, 3, 3), np.float32))])


@case(r"'the_Conv' \(Conv\) .*strides")
def conv_strides_rank(folder):
    return conv(strides=[1])


@case(r"'the_Conv' \(Conv\) .*(strides|positive|range)")
def conv_stride_zero(folder):
    return conv(strides=[0, 1])


@case(r"'the_Conv' \(Conv\) .*pads")
def conv_pads_rank(folder):
    return conv(pads=[1, 1, 1])


@case(r"'the_Conv' \(Conv\) .*dilations")
def conv_dilations_negative(folder):
    return conv(dilations=[-1, 1])


@case(r"'the_Conv' \(Conv\) .*kernel_shape")
def conv_kernel_contradicts(folder):
    return conv(kernel_shape=[5, 5])


@case(r"'the_Conv' \(Conv\) .*group")
def conv_group_zero(folder):
    return conv(group=0)


@case(r"'the_Conv' \(Conv\) .*(group|channels)")
def conv_group_does_not_divide(folder):
    return conv(group=3)


@case(r"'the_Softmax' \(Softmax\) .*axis")
def softmax_axis(folder):
    return model([node("Softmax", ["x"], axis=7)])


@case(r"'the_Slice' \(Slice\) .*(length|vectors)")
def slice_lengths(folder):
    return model([node("Slice", ["x", "s", "e"])], initializers=[tensor("s", np.array([0, 0])), tensor("e", np.array([1]))])


@case(None)
def slice_empty(folder):
    return model([node("Slice", ["x", "s", "e"])], initializers=[tensor("s", np.array([2])), tensor("e", np.array([1]))])


@case(r"'the_Slice' \(Slice\) .*step is 0|'the_Slice'")
def slice_step_zero(folder):
    return model([node("Slice", ["x", "s", "e", "s", "s"])], initializers=[tensor("s", np.array([0])), tensor("e", np.array([1]))])


@case(r"Reshape")
def reshape_two_unknowns(folder):
    return model([node("Reshape", ["x", "s"])], initializers=[tensor("s", np.array([-1, -1]))])


@case(r"Reshape")
def reshape_does_not_fit(folder):
    return model([node("Reshape", ["x", "s"])], initializers=[tensor("s", np.array([4, 5]))])


@case(r"'the_Transpose' \(Transpose\)|perm")
def transpose_perm(folder):
    return model([node("Transpose", ["x"], perm=[0, 0])])


@case(r"Clip")
def old_clip_with_a_string(folder):
    return model([node("Clip", ["x"], min="zero")], opset=7)


@case(r"Gather")
def gather_out_of_range(folder):
    return model([node("Gather", ["x", "i"], axis=0)], initializers=[tensor("i", np.array([5]))])


# 8. Quantization parameters.
def quantize(scale, zero=None, shape=(2, 3), **attributes):
    names = ["x", "s"] + (["z"] if zero is not None else [])
    weights = [tensor("s", scale)] + ([tensor("z", zero)] if zero is not None else [])
    return model([node("QuantizeLinear", names, **attributes)], [value("x", list(shape))], initializers=weights, opset=21, ir=10,
                 out_type=TensorProto.UINT8)


@case(r"QuantizeLinear\) has a scale of 0\.0")
def scale_zero(folder):
    return quantize(np.float32(0))


@case(r"QuantizeLinear\) has a scale of -1\.0")
def scale_negative(folder):
    return quantize(np.float32(-1))


@case(r"QuantizeLinear\) has a scale of -?nan")
def scale_nan(folder):
    return quantize(np.float32("nan"))


@case(r"QuantizeLinear\) has a scale of inf")
def scale_infinite(folder):
    return quantize(np.float32("inf"))


@case(None)
def scale_denormal(folder):
    return quantize(np.float32(1e-40))


@case(r"QuantizeLinear\) .*(shapes|scale)")
def scale_length(folder):
    return quantize(np.ones(5, np.float32), np.zeros(5, np.uint8), axis=1)


@case(r"QuantizeLinear\) has a scale and a zero point of different shapes")
def zero_point_shape(folder):
    return quantize(np.ones(3, np.float32), np.zeros(2, np.uint8), axis=1)


@case(r"DequantizeLinear\) .*zero point|DequantizeLinear")
def zero_point_type(folder):
    return model([node("DequantizeLinear", ["x", "s", "z"])], [value("x", [2, 3], TensorProto.INT8)],
                 initializers=[tensor("s", np.float32(1)), tensor("z", np.uint8(1))])


@case(r"block")
def blocks_do_not_fit(folder):
    return quantize(np.ones((2, 2), np.float32), np.zeros((2, 2), np.uint8), (2, 9), axis=1, block_size=3)


@case(None)
def last_block_partial(folder):
    return quantize(np.ones((2, 3), np.float32), np.zeros((2, 3), np.uint8), (2, 8), axis=1, block_size=3)


def nbits(k=32, n=4, bits=4, block=16, weight_bytes=64, scales=8):
    return model([node("MatMulNBits", ["x", "w", "s"], domain="com.microsoft", K=k, N=n, bits=bits, block_size=block)],
                 [value("x", [2, 32])], initializers=[tensor("w", np.zeros((4, 2, weight_bytes // 8), np.uint8)),
                                                      tensor("s", np.ones(scales, np.float32))])


@case(None)
def nbits_good(folder):
    return nbits()


@case(r"MatMulNBits\) has 128 bytes of weights, but")
def nbits_too_many_bytes(folder):
    return nbits(weight_bytes=128)


@case(r"MatMulNBits\) has K 64")
def nbits_k_contradicts(folder):
    return nbits(k=64)


@case(r"MatMulNBits\) has K 32 and N -4")
def nbits_n_negative(folder):
    return nbits(n=-4)


@case(r"MatMulNBits \[its weights have 77 bits\]")
def nbits_bits(folder):
    return nbits(bits=77)


@case(r"MatMulNBits\) has the block_size 0")
def nbits_block_zero(folder):
    return nbits(block=0)


@case(r"MatMulNBits\) has scales")
def nbits_scales(folder):
    return nbits(scales=7)


@case(None)
def scale_not_constant(folder):
    return model([node("QuantizeLinear", ["x", "s"])], [value("x", [2, 3]), value("s", [])], out_type=TensorProto.UINT8)


@case(None)
def dequantize_of_dequantize(folder):
    return model([node("QuantizeLinear", ["x", "s"], ["q"]), node("DequantizeLinear", ["q", "s"], ["d"], name="d1"),
                  node("QuantizeLinear", ["d", "s"], ["p"], name="q2"), node("DequantizeLinear", ["p", "s"], name="d2")],
                 initializers=[tensor("s", np.float32(0.5))])


# 9. Graph.
@case(r"topologically|'b'|no earlier node")
def graph_cycle(folder):
    return model([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"], name="other"), node("Add", ["a", "b"])])


@case(r"nowhere")
def graph_missing_name(folder):
    return model([node("Relu", ["nowhere"])])


@case(r"'y'|SSA|unique|twice")
def graph_duplicate_name(folder):
    return model([node("Relu", ["x"]), node("Relu", ["x"], name="again")])


@case(r"tensor 'w' is defined twice")
def graph_duplicate_initializer(folder):
    w = tensor("w", np.zeros(3, np.float32))
    return model([node("Add", ["x", "w"])], initializers=[w, w])


@case(None)
def graph_empty_node_names(folder):
    return model([node("Relu", ["x"], name="")])


@case(None)
def graph_unused_initializer(folder):
    return model([node("Relu", ["x"])], initializers=[tensor("unused", np.zeros(1000, np.float32))])


@case(None)
def graph_initializer_is_input(folder):
    return model([node("Add", ["x", "w"])], [value("x", [2, 3]), value("w", [3])],
                 initializers=[tensor("w", np.zeros(3, np.float32))])


@case(r"different types")
def graph_initializer_contradicts_input(folder):
    return model([node("Add", ["x", "w"])], [value("x", [2, 600]), value("w", [7])],
                 initializers=[tensor("w", np.zeros(600, np.float32))])


@case(r"[Uu]nrecognized|import|domain|not support")
def graph_unknown_domain(folder):
    return model([node("Relu", ["x"], domain="nobody.knows")])


@case(r"ops that qopt does not support: Bar x1 \('b'\); Foo x2 \('a', 'c'\)$")
def graph_unknown_ops(folder):
    return model([node("Foo", ["x"], ["p"], name="a"), node("Bar", ["p"], ["q"], name="b"), node("Foo", ["q"], name="c")])


@case(r"ops that qopt does not support: .*Foo x1 \('within'\); StringNormalizer x1 .*; com\.microsoft\.Bar x1 \('other'\)$")
def graph_unknown_op_in_branch(folder):
    """An op that ONNX does not have, in a branch, beside one that it has and one of another domain."""
    branches = {f"{name}_branch": helper.make_graph([node(op, [], ["z"], name="within" if op == "Foo" else "else", **more)], name, [],
                                                    [value("z", [2, 3])])
                for name, op, more in (("then", "Foo", {}), ("else", "Constant", {"value": tensor("t", np.zeros((2, 3), np.float32))}))}
    return model([node("If", ["c"], ["p"], **branches), node("Bar", ["p"], domain="com.microsoft", name="other"),
                  node("StringNormalizer", ["s"], ["t"])],
                 inputs=[value("x", [2, 3]), value("c", [], TensorProto.BOOL), value("s", [3], TensorProto.STRING)])


@case(r"ops that qopt does not support: Foo x1 \('F/inner'\)$")
def graph_unknown_op_in_function(folder):
    body = helper.make_function("f", "F", ["a"], ["b"], [node("Foo", ["a"], ["b"], name="inner")], [helper.make_opsetid("", 17)])
    return model([node("F", ["x"], domain="f")], functions=[body], opsets=[helper.make_opsetid("", 17), helper.make_opsetid("f", 1)])


@case(r"ops that qopt does not support: Gelu \[not in opset 17\] x1 \('the_Gelu'\)$")
def graph_op_of_later_opset(folder):
    return model([node("Gelu", ["x"])])


@case(r"ops that qopt does not support: .*com\.microsoft\.Bar x2")
def graph_unsupported_ops(folder):
    return model([node("Bar", ["x"], ["z"], domain="com.microsoft"), node("Bar", ["z"], domain="com.microsoft", name="second")])


@case(r"opset version is 0")
def opset_zero(folder):
    return model([node("Relu", ["x"])], opset=0)


@case(r"opset version 999 is newer")
def opset_future(folder):
    return model([node("Relu", ["x"])], opset=999)


@case(r"opset of domain '' twice")
def opset_twice(folder):
    return model([node("Relu", ["x"])], opsets=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx", 13)])


@case(r"ir_version|IR version")
def ir_future(folder):
    return model([node("Relu", ["x"])], ir=999)


@case(r"ir_version|IR version")
def ir_zero(folder):
    return model([node("Relu", ["x"])], ir=0)
