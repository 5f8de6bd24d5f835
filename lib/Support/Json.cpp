#include "qopt/Support/Json.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/MappedFile.h"
#include "qopt/Support/Nesting.h"
#include <charconv>
#include <cmath>

using namespace llvm;

namespace qopt {
namespace {

void writeNumber(json::OStream &json, double number) {
  if (!std::isfinite(number))
    return json.value(nullptr);
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  json.rawValue(StringRef(digits, end - digits));
}

void write(json::OStream &json, const json::Value &value) {
  if (const json::Object *object = value.getAsObject()) {
    std::vector<const json::Object::value_type *> fields;
    for (const auto &field : *object)
      fields.push_back(&field);
    llvm::sort(fields, [](auto *a, auto *b) { return StringRef(a->first) < StringRef(b->first); });
    json.object([&] {
      for (const auto *field : fields) {
        json.attributeBegin(field->first);
        write(json, field->second);
        json.attributeEnd();
      }
    });
  } else if (const json::Array *array = value.getAsArray()) {
    json.array([&] {
      for (const json::Value &element : *array)
        write(json, element);
    });
  } else if (value.kind() == json::Value::Number && !value.getAsInteger() && !value.getAsUINT64()) {
    writeNumber(json, *value.getAsNumber());
  } else {
    json.value(value);
  }
}

} // namespace

void writeJson(raw_ostream &os, const json::Value &value, unsigned indent) {
  json::OStream json(os, indent);
  write(json, value);
}

std::string toJson(const json::Value &value, unsigned indent) {
  std::string text;
  raw_string_ostream os(text);
  writeJson(os, value, indent);
  return text;
}

Error writeJsonFile(StringRef path, const json::Value &value) {
  if (path == "-") {
    outs() << toJson(value) << "\n";
    return Error::success();
  }
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  (*file)->os() << toJson(value) << "\n";
  return (*file)->commit();
}

Expected<json::Value> parseJson(StringRef text) {
  constexpr unsigned deepest = 128;
  if (nestsDeeper(text, deepest))
    return makeError("it nests more than " + Twine(deepest) + " brackets deep");
  return json::parse(text);
}

Expected<json::Value> readJsonFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<json::Value> value = parseJson((*file)->text());
  if (!value)
    return inContext(path, value.takeError());
  return value;
}

} // namespace qopt
