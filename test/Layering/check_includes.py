#!/usr/bin/env python3
"""Holds every #include of include/qopt, lib and tools against the room table of docs/architecture.md.

usage: check_includes.py CHECKOUT | --selftest

A line `A, B → C, D (remark)` of the table lets rooms A and B include C and D, and whatever those may include. `MLIR` and `LLVM` in
the table are the outside libraries. A room may always include itself. Sizes are held too: a tool's main stays under 100
lines, any source under 800.
"""
import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]((qopt|qopt-c|mlir|llvm)[/-][^">]+)[">]', re.M)
SOURCES = {".h", ".cpp", ".c", ".td", ".inc", ".def"}
MAIN_LINES, SOURCE_LINES = 100, 800


def read_table(text):
    """{room pattern: [patterns it may include]} from the fenced block `layers`."""
    block = re.search(r"```layers\n(.*?)```", text, re.S).group(1)
    table = {}
    for line in block.splitlines():
        left, _, right = re.sub(r"\(.*?\)", "", line).partition("→")
        for room in filter(None, (r.strip() for r in left.split(","))):
            table.setdefault(room, []).extend(filter(None, (r.strip() for r in right.split(","))))
    return table


def allowed(table, pattern):
    """The closure of what the rooms of `pattern` may include, as patterns."""
    seen, todo = {pattern}, [pattern]
    while todo:
        room = todo.pop()
        for target in (t for row, targets in table.items() if fnmatch.fnmatchcase(room, row) for t in targets):
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def room_of(path, table):
    """(folder, row): the longest folder of `path` that is a room, and the row of the table that it matches."""
    parts = path.split("/")[:-1]
    for length in range(len(parts), 0, -1):
        folder = "/".join(parts[:length])
        for row in table:
            if fnmatch.fnmatchcase(folder, row):
                return folder, row
    return None, None


def included_room(header, table):
    if header.startswith("mlir"):
        return "MLIR"
    if header.startswith("llvm"):
        return "LLVM"
    if header.startswith("qopt-c/"):
        return "CAPI"
    return room_of(header.removeprefix("qopt/"), table)[0]


def check_file(path, text, table):
    """Sentences about one source; `path` is relative to include/qopt or lib, or starts with tools/ or qopt-c/."""
    row = "tools" if path.startswith("tools/") else "CAPI" if path.startswith("qopt-c/") else room_of(path, table)[1]
    if row is None:
        return [f"{path}: this folder is no room of the table in docs/architecture.md"]
    may = allowed(table, row)
    problems = []
    for header, _ in INCLUDE.findall(text):
        target = included_room(header, table)
        if target is None or not any(fnmatch.fnmatchcase(target, pattern) for pattern in may):
            problems.append(f"{path}: room {row} may not include {header} (room {target})")
    limit = MAIN_LINES if path.startswith("tools/") else SOURCE_LINES
    if text.count("\n") >= limit:
        problems.append(f"{path}: {text.count(chr(10))} lines, the limit is {limit}")
    return problems


def check_tree(top):
    table = read_table((top / "docs/architecture.md").read_text(encoding="utf-8"))
    problems, count = [], 0
    for base, prefix in (("include/qopt", ""), ("lib", ""), ("include/qopt-c", "qopt-c/"), ("tools", "tools/")):
        for file in sorted((top / base).rglob("*")):
            if file.suffix in SOURCES:
                count += 1
                path = prefix + file.relative_to(top / base).as_posix()
                problems += check_file(path, file.read_text(encoding="utf-8"), table)
    return problems, count


def selftest():
    """The checker must find what it is there to find."""
    table = read_table("```layers\nSupport → LLVM\nDialect/*/IR → Support, MLIR (no more)\n"
                       "Numerics/* →\nRuntime → Numerics/Stats\nDriver → Dialect/*/IR\n```")
    find = lambda path, text: check_file(path, text, table)
    assert not find("Dialect/NN/IR/a.cpp", '#include "qopt/Support/x.h"\n#include "mlir/IR/x.h"\n#include "llvm/ADT/x.h"\n')
    assert not find("Driver/a.cpp", '#include "qopt/Support/x.h"\n')
    assert find("Support/a.cpp", '#include "qopt/Dialect/NN/IR/x.h"\n')
    assert find("Support/a.cpp", '#include "mlir/IR/x.h"\n')
    assert find("Numerics/Formats/a.cpp", '#  include <llvm/ADT/x.h>\n')
    assert not find("Numerics/Formats/a.cpp", '#include "qopt/Numerics/Stats/x.h"\n')
    assert not find("Runtime/a.cpp", '#include "qopt/Numerics/Stats/x.h"\n')
    assert find("Runtime/a.cpp", '#include "qopt/Numerics/Metrics/x.h"\n')
    assert find("Runtime/a.cpp", '#include "qopt/Nowhere/x.h"\n')
    assert find("Nowhere/a.cpp", "")
    assert find("Support/a.cpp", "\n" * 800) and not find("Support/a.cpp", "\n" * 799)
    return 0


def main():
    if sys.argv[1:] == ["--selftest"]:
        return selftest()
    problems, count = check_tree(pathlib.Path(sys.argv[1]))
    print("\n".join(problems) or f"{count} sources keep to their rooms")
    return bool(problems) or not count


if __name__ == "__main__":
    sys.exit(main())
