// `qopt inspect`: what is in a model.
#include "Commands.h"
#include "Contents.h"
#include "Models.h"
#include "Tensors.h"

#include "qopt/Support/Json.h"
#include "qopt/Support/Progress.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qopt {
namespace {

constexpr Option options[] = {
    {"--largest", "N", "how many of the largest constants to list (default 10)"},
    {"--json", "FILE", "write it as JSON; - is standard output"},
};

/// "[batch,3,224,224]": dims by name where they have one.
std::string shapeText(const ValueSpec &spec) {
  SmallVector<std::string> dims;
  for (auto [i, dim] : enumerate(spec.shape)) {
    StringRef given = i < spec.dimNames.size() ? StringRef(spec.dimNames[i]) : StringRef();
    dims.push_back(dim >= 0 ? std::to_string(dim) : given.empty() ? "?" : given.str());
  }
  return "[" + join(dims, ",") + "]";
}

json::Array valuesToJson(ArrayRef<ValueSpec> specs) {
  json::Array all;
  for (const ValueSpec &spec : specs)
    all.push_back(json::Object{{"name", spec.name},
                               {"format", name(spec.dtype)},
                               {"shape", json::Array(spec.shape)},
                               {"dims", shapeText(spec)}});
  return all;
}

json::Value contentsToJson(StringRef path, const ModuleContents &contents, size_t largest) {
  json::Object ops, provenance;
  for (const auto &[op, count] : contents.ops)
    ops[op] = count;
  for (const auto &[key, value] : contents.provenance)
    provenance[key] = json::fixUTF8(value);
  json::Array constants;
  for (const ConstantInfo &c : ArrayRef(contents.constants).take_front(largest))
    constants.push_back(json::Object{{"name", json::fixUTF8(c.name)},
                                     {"format", c.format},
                                     {"shape", c.shape},
                                     {"elements", c.elements},
                                     {"bytes", c.bytes}});
  return json::Object{{"file", path},
                      {"inputs", valuesToJson(contents.inputs)},
                      {"outputs", valuesToJson(contents.outputs)},
                      {"ops", std::move(ops)},
                      {"bytes", totalBytes(contents.sizes)},
                      {"formats", toJson(contents.sizes)},
                      {"largest", std::move(constants)},
                      {"provenance", std::move(provenance)}};
}

void printValues(raw_ostream &os, StringRef title, ArrayRef<ValueSpec> specs) {
  for (const ValueSpec &spec : specs)
    os << left_justify(title, 8) << spec.name << ": " << name(spec.dtype) << shapeText(spec) << '\n';
}

void print(raw_ostream &os, StringRef path, const ModuleContents &contents, size_t largest) {
  os << path << '\n';
  printValues(os, "input", contents.inputs);
  printValues(os, "output", contents.outputs);
  int64_t total = totalBytes(contents.sizes);
  os << formatv("\nconstants: {0} tensors, {1}\n", contents.constants.size(), formatBytes(total));
  for (const auto &[format, size] : contents.sizes)
    os << formatv("  {0,-16}{1,12}{2,8:f1}%  {3} tensors\n", format, formatBytes(size.bytes),
                  total ? 100.0 * size.bytes / total : 0.0, size.tensors);
  int64_t count = 0;
  for (const auto &[op, n] : contents.ops)
    count += n;
  os << formatv("\nops: {0}\n", count);
  for (const auto &[op, n] : contents.ops)
    os << formatv("  {0,6}  {1}\n", n, op);
  if (largest && !contents.constants.empty())
    os << "\nlargest constants:\n";
  for (const ConstantInfo &c : ArrayRef(contents.constants).take_front(largest))
    os << formatv("  {0,12}  {1}  {2}\n", formatBytes(c.bytes), c.format + c.shape, c.name);
  if (!contents.provenance.empty())
    os << "\nprovenance:\n";
  for (const auto &[key, value] : contents.provenance)
    os << "  " << key << ": " << value << '\n';
}

Expected<int> run(const Arguments &arguments, Session &session) {
  if (arguments.positional().size() != 1)
    return usageError("`qopt inspect` takes one model");
  auto largest = arguments.integer("--largest", 10, 0);
  if (!largest)
    return largest.takeError();
  const std::string &path = arguments.positional()[0];
  auto model = loadModel(path);
  if (!model)
    return model.takeError();
  ModuleContents contents = contentsOf(*model->module);
  if (auto file = arguments.get("--json")) {
    if (Error error = writeText(*file, toJson(contentsToJson(path, contents, *largest)) + "\n", session))
      return std::move(error);
    return Done;
  }
  print(session.out, path, contents, *largest);
  return Done;
}

} // namespace

const Command &inspectCommand() {
  static const Command command = {"inspect",
                                  "FILE [--json FILE]",
                                  "Show what is in a model: inputs, ops, formats, constants, provenance",
                                  options,
                                  "  qopt inspect model.onnx\n"
                                  "  qopt inspect int8.onnx --json -\n",
                                  run};
  return command;
}

} // namespace qopt
