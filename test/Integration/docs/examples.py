"""The ```mlir examples of the passes' descriptions (include/qopt/**/*.td), as modules that qopt-opt parses."""
import dataclasses
import re

OP = re.compile(r"^\s*(?:(?P<results>%[\w, %]+?) = )?(?P<op>[a-z_]+\.[a-z_0-9.]+)(?P<operands>.*?) : (?P<types>.+?)\s*(?://.*)?$")
BETWEEN = re.compile(r"```\s*becomes\s*```mlir")


@dataclasses.dataclass
class Example:
    file: str
    pass_name: str  # empty for an op's example
    before: str
    after: str

    @property
    def is_sketch(self):
        """Whether something is left out of it: it cannot be parsed, and need not be."""
        return "…" in self.before


def examples(folder):
    for file in sorted(folder.rglob("*.td")):
        for record in re.split(r"^def ", file.read_text(encoding="utf-8"), flags=re.M)[1:]:
            name = re.match(r'\w+\s*:\s*Pass<"([\w-]+)"', record)
            for text in re.findall(r"```mlir\n(.*?)```", BETWEEN.sub("// becomes", record), re.S):
                before, _, after = re.sub(r"^ *//.*\bbecomes\b.*$", "// becomes", text, flags=re.M).partition("// becomes")
                yield Example(str(file.relative_to(folder)), name[1] if name else "", dedent(before), dedent(after))


def dedent(text):
    lines = [line for line in text.splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return "\n".join(line[margin:] for line in lines)


def split(types):
    """A list of types at its outer commas."""
    parts, depth = [""], 0
    for c in types:
        depth += (c in "<([{") - (c in ">)]}")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [part.strip() for part in parts if part.strip()]


def types_of(line):
    """({used value: type}, {result: type}) as one op's line tells them."""
    grouped = re.findall(r"(?:ins|outs)\((%[^:()]*) : ([^()]*)\)", line)
    if grouped:
        return {value: type for values, types in grouped for value, type in zip(re.findall(r"%\w+", values), split(types))}, {}
    found = OP.match(re.sub(r"\{[^{}]*=[^{}]*\}", "", line))
    if not found:
        return {}, {}
    uses = re.findall(r"%[\w]+", found["operands"])
    results = re.findall(r"%[\w]+", found["results"] or "")
    signature = re.match(r"\((.*)\) -> (.+)$", found["types"])
    if signature:
        outs = signature[2].strip()
        return dict(zip(uses, split(signature[1]))), dict(zip(results, split(outs[1:-1] if outs.startswith("(") else outs)))
    types = split(found["types"])
    if len(types) == 1:
        condition = {uses[0]: "i1"} if found["op"] == "arith.select" else {}
        return {**dict.fromkeys(uses, types[0]), **condition}, dict.fromkeys(results, types[0])
    return dict(zip(uses, types)), {}


def module_of(text):
    """The example as a module: a function around loose ops takes what they use and returns what nobody uses."""
    if re.match(r"\s*func\.func", text) and "{\n" not in text:  # its signature
        return text.replace("func.func ", "func.func private ").replace("%x: ", "")
    if re.match(r"\s*(module|func\.func|llvm\.func|memref\.global|#)", text):
        return text
    used, defined, order = {}, {}, []
    for line in re.sub(r"\n\s+: ", " : ", text).splitlines():
        uses, results = types_of(line)
        used |= {value: type for value, type in uses.items() if value not in used and value not in defined}
        order += uses
        defined |= results
    arguments = ", ".join(f"{value}: {type}" for value, type in used.items())
    results = {value: type for value, type in defined.items() if value not in order}
    values, types = ", ".join(results), ", ".join(results.values())
    return (f"func.func @main({arguments}) -> ({types}) {{\n{text}\nreturn {values}{' : ' if values else ''}{types}\n}}\n")


def ops(text):
    return re.findall(r"\b((?:nn|qopt|onnxraw|qcpu|linalg|memref|arith|math|tosa|bufferization)\.[a-z_0-9]+)", re.sub(r'"[^"]*"|//.*', "", text))
