"""passes.py: prints docs/passes.md, the passes' descriptions (include/qopt/**/Passes.td) as mlir-tblgen has them.

    .venv/bin/python tools/docs/passes.py > docs/passes.md
"""
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
LLVM = pathlib.Path("/usr/lib/llvm-22")
HEAD = """# Passes

What each pass does, with an example of before and after. Made by `tools/docs/passes.py` from the descriptions in `include/qopt/**/Passes.td`;
change those, and print this page anew.
"""


def page():
    parts = [HEAD]
    for file in sorted((TOP / "include/qopt").rglob("Passes.td")):
        made = subprocess.run([LLVM / "bin/mlir-tblgen", "-gen-pass-doc", f"-I{TOP / 'include'}", f"-I{LLVM / 'include'}", file],
                              capture_output=True, text=True, check=True).stdout
        parts += [f"## {file.parent.relative_to(TOP / 'include/qopt')}\n", made.partition("\n")[2].strip().replace("### `-", "### `") + "\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    print(page(), end="")
