"""Rates of the matrix kernels beside numpy (OpenBLAS), ONNX Runtime and the core's own limits, in one run.

    python bench/gemm.py [--shapes 64x384x1536,…] [--forms f32.avx2,i8.avx2,…] [--seconds 0.3] [--json bench/gemm.json]

One thread. A rate is that of the fastest of many repetitions, in GFLOP/s (GOP/s for integers), a multiplication and an
addition counted as two; contenders take turns, so that a change of the machine's load meets all of them. The limits are measured
in the same turns: multiply-adds that depend on nothing (f32, and vpdpbusd where there is one), and reading memory. In parentheses
stands the part of the limit: of the peak, or, for one row, of the bandwidth at which its weights could be read.
"""
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
import argparse
import ctypes
import functools
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "test/Integration/cpu"))
import kernel_library as kl

PEAK = """
define void @peak(ptr %unused, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%j, %loop]
PHIS
BODY
  %j = add i64 %i, 1
  %c = icmp slt i64 %j, %n
  br i1 %c, label %loop, label %exit
exit:
  call void asm sideeffect "", "CONSTRAINTS"(OPERANDS)
  ret void
}
"""
READ = """
define void @read(ptr %p, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%j, %loop]
BODY
  %j = add i64 %i, 512
  %c = icmp slt i64 %j, %n
  br i1 %c, label %loop, label %exit
exit:
  ret void
}
"""


def assembled(text, name):
    """A function of (pointer, count) from LLVM IR."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = f"{folder}/limit.ll", f"{folder}/limit.so"
        pathlib.Path(source).write_text(text)
        subprocess.run([kl.LLVM_BIN / "clang", "-O2", "-march=native", "-shared", "-fPIC", "-Wno-override-module", source, "-o", out], check=True)
        return ctypes.CDLL(out)[name]


def peak(integer):
    """(work, operations): independent multiply-adds, written as assembly so that nothing of it can be folded away."""
    wide = "avx512f" in kl.cpu_flags()
    lanes, chains, count = (16, 16, 200_000) if wide else (8, 12, 200_000)
    vec = f"<{lanes} x i32>" if integer else f"<{lanes} x float>"
    ones = "<" + ", ".join(["i32 16843009" if integer else "float 1.0"] * lanes) + ">"
    step = ("" if wide else "{vex} ") + "vpdpbusd $2, $2, $0" if integer else "vfmadd231ps $2, $2, $0"
    place = "v" if wide else "x"
    phis = "\n".join(f"  %a{i} = phi {vec} [zeroinitializer, %entry], [%b{i}, %loop]" for i in range(chains))
    body = "\n".join(f'  %b{i} = call {vec} asm sideeffect "{step}", "={place},0,{place}"({vec} %a{i}, {vec} {ones})' for i in range(chains))
    text = PEAK.replace("PHIS", phis).replace("BODY", body).replace("CONSTRAINTS", ",".join([place] * chains))
    function = assembled(text.replace("OPERANDS", ", ".join(f"{vec} %b{i}" for i in range(chains))), "peak")
    return lambda: function(None, ctypes.c_int64(count)), 2 * lanes * chains * count * (4 if integer else 1)


def reading(megabytes=256):
    """(work, bytes): one pass over memory that no cache holds."""
    data, vec = np.ones(megabytes << 20, np.uint8), "<16 x float>" if "avx512f" in kl.cpu_flags() else "<8 x float>"
    step = 64 if "avx512f" in kl.cpu_flags() else 32
    loads = "\n".join(f"  %p{o} = getelementptr i8, ptr %q, i64 {o}\n  %v{o} = load volatile {vec}, ptr %p{o}, align 1" for o in range(0, 512, step))
    function = assembled(READ.replace("BODY", "  %q = getelementptr i8, ptr %p, i64 %i\n" + loads), "read")
    return lambda: function(ctypes.c_void_p(data.ctypes.data), ctypes.c_int64(data.size)), data.size


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def kernel_call(form, a, b, c):
    """A closure that runs the kernel with everything prepared."""
    unsigned = ":u" if a.dtype == np.uint8 else ""
    request = f"gemm:{form}{unsigned}"
    packed, (m, k), n = kl.pack_nibbles(b & 15, form) if form.startswith("f32i4") else kl.pack(b, form), a.shape, b.shape[1]
    function = kl.library(request)["qcpu_gemm_" + form.replace(".", "_") + ("_u" if unsigned else "")]
    pointer = lambda x: ctypes.c_void_p(x.ctypes.data)
    scales = kl.pack(np.ones((1, n), np.float32), form)
    scaling = [pointer(scales), None, ctypes.c_int64(k)] if form.startswith("f32i") else []
    arguments = [pointer(a), *map(ctypes.c_int64, [k]), pointer(packed), *scaling, None, pointer(c), *map(ctypes.c_int64, [n, m, n, k])]
    keep = (a, packed, c, scales)
    return lambda: (function(*arguments), keep)


def ort_session(op, a, b):
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    types = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8}
    y = TensorProto.FLOAT if op == "MatMul" else TensorProto.INT32
    graph = helper.make_graph([helper.make_node(op, ["a", "b"], ["y"])], "g",
                              [helper.make_tensor_value_info("a", types[a.dtype], a.shape)],
                              [helper.make_tensor_value_info("y", y, [a.shape[0], b.shape[1]])], [numpy_helper.from_array(b, "b")])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("a", a)
    binding.bind_output("y")
    return lambda: session.run_with_iobinding(binding)


@functools.cache
def limits():
    """name: (work, operations or bytes of it)"""
    result = {"f32": peak(False), "read": reading()}
    if kl.cpu_flags() & {"avx512_vnni", "avx_vnni"}:
        result["int8"] = peak(True)
    return result


def take_turns(work, seconds):
    """The shortest time of each."""
    best = dict.fromkeys(work, 1e9)
    end = time.perf_counter() + seconds * len(work)
    while time.perf_counter() < end:
        for name, run in work.items():
            best[name] = min(best[name], timed(run))
    return best


def measure(m, k, n, forms, seconds):
    random = np.random.default_rng(0)
    a, b = random.standard_normal((m, k), np.float32), random.standard_normal((k, n), np.float32)
    qa, qb = random.integers(0, 256, (m, k), np.uint8), random.integers(-64, 64, (k, n), np.int8)
    c, ci = np.zeros((m, n), np.float32), np.zeros((m, n), np.int32)
    work = {"numpy f32": lambda: np.matmul(a, b, out=c), "ort f32": ort_session("MatMul", a, b), "ort u8s8": ort_session("MatMulInteger", qa, qb)}
    for form in forms:
        work[form] = kernel_call(form, qa, qb, ci) if form.startswith("i8") else kernel_call(
            form, a, qb if form.startswith("f32i") else b, c)
    known = limits()
    best = take_turns({**work, **{"limit " + name: limit[0] for name, limit in known.items()}}, seconds)
    rates = {name: amount / best["limit " + name] / 1e9 for name, (_, amount) in known.items()}
    row = {"shape": [m, k, n], "limits": rates, "rates": {}, "parts": {}}
    for name in work:
        row["rates"][name] = 2 * m * k * n / best[name] / 1e9
        integer = name.startswith("i8") or name == "ort u8s8"
        bytes_of_weight = 0.5 if name.startswith("f32i4") else 1 if integer or name.startswith("f32i8") else 4
        row["parts"][name] = (k * n * bytes_of_weight / best[name] / 1e9 / rates["read"] if m == 1
                              else row["rates"][name] / rates["int8" if integer and "int8" in rates else "f32"])
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="16x1024x1024,64x384x384,128x384x1536,128x1536x384,512x1024x1024,512x4096x4096,3136x96x24,784x144x40,3136x32x16,"
                                            "49x192x1152,1x4096x16384")
    parser.add_argument("--forms", default="")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    forms = options.forms.split(",") if options.forms else [f for f in kl.FORMS if kl.runnable(f) and "generic" not in f]
    rows, load = [], os.getloadavg()[0]
    for shape in options.shapes.split(","):
        row = measure(*map(int, shape.split("x")), forms, options.seconds)
        rows.append(row)
        print(f"{shape:>14}  " + "  ".join(f"{name} {rate:.0f} ({row['parts'][name]:.2f})" for name, rate in row["rates"].items())
              + "  | limits " + ", ".join(f"{name} {rate:.0f}" for name, rate in row["limits"].items()), flush=True)
    if options.json:
        cpu = next(line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
        rounded = json.loads(json.dumps(rows), parse_float=lambda text: round(float(text), 3))
        options.json.write_text(json.dumps({"cpu": cpu, "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d"), "load_before": load,
                                            "load_after": os.getloadavg()[0], "rows": rounded}, indent=1) + "\n")


main()
