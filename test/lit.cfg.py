"""The lit suite. A test lies where its subject lies in lib/: test/Dialect/NN/IR/ops.mlir tests lib/Dialect/NN/IR.

Substitutions: %python (has onnx, onnxruntime, numpy), %models (the real models), %src (the checkout).
Features: `models` when QOPT_MODELS names a folder; `avx2`, `avx512vnni`, `avxvnni` as the CPU has them.
"""
import os
import pathlib

import lit.formats

config.name = "qopt"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".onnxtxt", ".test"]
config.excludes = ["Inputs", "Integration", "Layering", "fuzz", "tools", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.qopt_build, "test")

tools = [os.path.join(config.qopt_build, "bin"), config.llvm_tools]
config.environment["PATH"] = os.pathsep.join([*tools, config.environment.get("PATH", os.defpath)])
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --dump-input-filter=all"

config.substitutions += [("%python", config.python), ("%src", config.qopt_source)]
# A test's own text is printed, as text and as bytecode, and read again, whatever the test is about. Not what passes have made of it:
# MLIR's check fails by chance on constants that want an alignment, which the string that it writes does not have.
config.substitutions.append((r"\bqopt-opt %s", "qopt-opt --verify-roundtrip %s"))

models = os.environ.get("QOPT_MODELS", "")
if models and os.path.isdir(models):
    config.available_features.add("models")
    config.substitutions.append(("%models", models))


def cpu_flags():
    """The CPU's flags as the Linux kernel names them; empty where there is no /proc."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])


for flag, feature in (("avx2", "avx2"), ("avx512_vnni", "avx512vnni"), ("avx_vnni", "avxvnni")):
    if flag in cpu_flags():
        config.available_features.add(feature)
