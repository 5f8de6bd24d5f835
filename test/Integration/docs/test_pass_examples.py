"""Each pass has an example, each example that leaves nothing out parses, and the passes make of them what they say."""
import collections
import pathlib

import pytest
from examples import examples, module_of, ops

TOP = pathlib.Path(__file__).resolve().parents[3]
ALL = list(examples(TOP / "include/qopt"))
WHOLE = [e for e in ALL if not e.is_sketch]
# Passes that act on their example alone, without statistics or options.
ACT = {"nn-simplify", "nn-recognize", "nn-infer-shapes", "nn-fold-constants", "qopt-insert-observers", "qopt-cast-selects", "qopt-lower-observe"}


def identity(example):
    return f"{example.file}:{example.pass_name or 'op'}"


def test_every_pass_has_an_example():
    passes = {found for file in (TOP / "include/qopt").rglob("*.td") for found in pass_names(file.read_text(encoding="utf-8"))}
    assert passes and not passes - {e.pass_name for e in ALL}


def pass_names(text):
    import re
    return re.findall(r': Pass<"([\w-]+)"', text)


@pytest.mark.parametrize("example", WHOLE, ids=identity)
def test_it_parses(example, tool):
    for text in filter(None, (example.before,)):
        tool("qopt-opt", "-", input=module_of(text))


@pytest.mark.parametrize("example", [e for e in WHOLE if e.pass_name in ACT], ids=identity)
def test_it_becomes_what_it_says(example, tool):
    made = tool("qopt-opt", "-", f"--pass-pipeline=builtin.module({nested(example.pass_name)})", input=module_of(example.before)).stdout
    missing = collections.Counter(ops(example.after)) - collections.Counter(ops(made))
    assert not missing, f"{dict(missing)} is not in\n{made}"


def nested(name):
    """Passes of functions are run on functions."""
    declared = next(text for file in (TOP / "include/qopt").rglob("*.td") if f'Pass<"{name}"' in (text := file.read_text(encoding="utf-8")))
    line = next(line for line in declared.splitlines() if f'Pass<"{name}"' in line)
    return f"func.func({name})" if "func::FuncOp" in line else name
