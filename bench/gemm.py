"""Rates of the matrix kernels beside numpy (OpenBLAS), ONNX Runtime and the core's own peak, in one run.

    python bench/gemm.py [--shapes 64x384x1536,…] [--forms f32.avx2,i8.avx2,…] [--seconds 0.3]

One thread. A rate is that of the fastest of many repetitions, in GFLOP/s (GOP/s for integers), a multiplication and an
addition counted as two; contenders take turns, so that a change of the machine's load meets all of them.
"""
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
import argparse
import ctypes
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "test/Integration/cpu"))
import kernel_library as kl

PEAK = """
define void @peak(i64 %n) {
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


def peak_rate(seconds):
    """GFLOP/s of sixteen-wide independent fused multiply-adds: the limit of the core."""
    import subprocess
    import tempfile
    lanes, chains = (16, 16) if "avx512f" in kl.cpu_flags() else (8, 12)
    vec = f"<{lanes} x float>"
    ones = "<" + ", ".join(["float 1.0"] * lanes) + ">"
    phis = "\n".join(f"  %a{i} = phi {vec} [zeroinitializer, %entry], [%b{i}, %loop]" for i in range(chains))
    fma = "vfmadd231ps $2, $2, $0"  # as assembly: nothing of it can be folded away
    body = "\n".join(f'  %b{i} = call {vec} asm sideeffect "{fma}", "=x,0,x"({vec} %a{i}, {vec} {ones})' for i in range(chains))
    text = PEAK.replace("PHIS", phis).replace("BODY", body).replace("CONSTRAINTS", ",".join(["x"] * chains))
    text = text.replace("OPERANDS", ", ".join(f"{vec} %b{i}" for i in range(chains)))
    with tempfile.TemporaryDirectory() as folder:
        source, out = f"{folder}/peak.ll", f"{folder}/peak.so"
        pathlib.Path(source).write_text(text)
        subprocess.run([kl.LLVM_BIN / "clang", "-O2", "-march=native", "-shared", "-fPIC", "-Wno-override-module", source, "-o", out], check=True)
        function = ctypes.CDLL(out).peak
        count = 200_000
        best = min(timed(lambda: function(ctypes.c_int64(count))) for _ in range(max(10, int(seconds * 500))))
    return 2 * lanes * chains * count / best / 1e9


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def kernel_call(form, a, b, c):
    """A closure that runs the kernel with everything prepared."""
    unsigned = ":u" if a.dtype == np.uint8 else ""
    request = f"gemm:{form}{unsigned}"
    packed, (m, k), n = kl.pack(b, form), a.shape, b.shape[1]
    function = kl.library(request)["qcpu_gemm_" + form.replace(".", "_") + ("_u" if unsigned else "")]
    pointer = lambda x: ctypes.c_void_p(x.ctypes.data)
    scales = kl.pack(np.ones((1, n), np.float32), form)
    scaling = [pointer(scales), ctypes.c_int64(k)] if form.startswith("f32i8") else []
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="64x384x384,128x384x1536,128x1536x384,512x1024x1024,1x384x1536,3136x96x24,49x192x1152")
    parser.add_argument("--forms", default="")
    parser.add_argument("--seconds", type=float, default=0.3)
    options = parser.parse_args()
    forms = options.forms.split(",") if options.forms else [f for f in kl.FORMS if kl.runnable(f) and "generic" not in f]
    peak = peak_rate(options.seconds)
    print(f"peak {peak:.1f} GFLOP/s")
    random = np.random.default_rng(0)
    for shape in options.shapes.split(","):
        m, k, n = map(int, shape.split("x"))
        a, b = random.standard_normal((m, k), np.float32), random.standard_normal((k, n), np.float32)
        qa, qb = random.integers(0, 256, (m, k), np.uint8), random.integers(-64, 64, (k, n), np.int8)
        c, ci = np.zeros((m, n), np.float32), np.zeros((m, n), np.int32)
        work = {"numpy": lambda: np.matmul(a, b, out=c), "ort f32": ort_session("MatMul", a, b), "ort u8s8": ort_session("MatMulInteger", qa, qb)}
        for form in forms:
            work[form] = kernel_call(form, qa, qb, ci) if form.startswith("i8") else kernel_call(
                form, a, qb if form.startswith("f32i8") else b, c)
        best = dict.fromkeys(work, 1e9)
        end = time.perf_counter() + options.seconds * len(work)
        while time.perf_counter() < end:
            for name, run in work.items():
                best[name] = min(best[name], timed(run))
        rates = {name: 2 * m * k * n / seconds / 1e9 for name, seconds in best.items()}
        print(f"{shape:>14}  " + "  ".join(f"{name} {rate:.0f} ({rate / peak:.2f})" for name, rate in rates.items()), flush=True)


main()
