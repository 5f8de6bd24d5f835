#include "qopt/Support/Safetensors.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Json.h"
#include "qopt/Support/MappedFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace qopt {
namespace {

// The reference implementation's own limit.
constexpr uint64_t maxHeader = 100'000'000;

constexpr std::pair<DType, StringLiteral> typeNames[] = {
    {DType::Float64, "F64"},        {DType::Float32, "F32"},
    {DType::Float16, "F16"},        {DType::BFloat16, "BF16"},
    {DType::Int64, "I64"},          {DType::Int32, "I32"},
    {DType::Int16, "I16"},          {DType::Int8, "I8"},
    {DType::UInt64, "U64"},         {DType::UInt32, "U32"},
    {DType::UInt16, "U16"},         {DType::UInt8, "U8"},
    {DType::Bool, "BOOL"},          {DType::Float8E4M3FN, "F8_E4M3"},
    {DType::Float8E5M2, "F8_E5M2"}, {DType::Float8E8M0, "F8_E8M0"},
};

struct Entry {
  std::string name;
  DType type;
  SmallVector<int64_t, 4> shape;
  uint64_t begin, end; // within the data
};

class Reader : public SafetensorsReader {
public:
  static Expected<std::unique_ptr<SafetensorsReader>> open(StringRef path) {
    auto file = MappedFile::open(path);
    if (!file)
      return file.takeError();
    auto reader = std::make_unique<Reader>();
    reader->file = std::move(*file);
    if (Error error = reader->parse())
      return inContext(path, std::move(error));
    return reader;
  }

  ArrayRef<std::string> names() const override { return order; }
  const std::map<std::string, std::string> &metadata() const override { return remarks; }

  Expected<Tensor> read(StringRef name) const override {
    auto found = index.find(name);
    if (found == index.end())
      return makeError(file->path() + " has no tensor '" + name + "'");
    const Entry &entry = entries[found->second];
    return Tensor::borrow(entry.type, entry.shape, data.slice(entry.begin, entry.end - entry.begin), file);
  }

private:
  Error parse() {
    ArrayRef<uint8_t> bytes = file->bytes();
    if (bytes.size() < 8)
      return makeError("it is too short for a safetensors file");
    uint64_t length = support::endian::read64le(bytes.data());
    if (length > maxHeader || length > bytes.size() - 8)
      return makeError("its header of " + Twine(length) +
                       " bytes does not fit: it is cut short, or no safetensors file");
    data = bytes.drop_front(8 + length);
    Expected<json::Value> header = parseJson(file->text().substr(8, length));
    if (!header)
      return inContext("its header is damaged", header.takeError());
    const json::Object *object = header->getAsObject();
    if (!object)
      return makeError("its header is no JSON object");
    for (const auto &field : *object)
      if (Error error = StringRef(field.first) == "__metadata__" ? readMetadata(field.second)
                                                                 : readEntry(StringRef(field.first), field.second))
        return error;
    return checkLayout();
  }

  Error readMetadata(const json::Value &value) {
    const json::Object *object = value.getAsObject();
    if (!object)
      return makeError("its __metadata__ is no object of strings");
    for (const auto &field : *object) {
      auto text = field.second.getAsString();
      if (!text)
        return makeError("its __metadata__ is no object of strings");
      remarks[StringRef(field.first).str()] = text->str();
    }
    return Error::success();
  }

  Error readEntry(StringRef name, const json::Value &value) {
    const json::Object *object = value.getAsObject();
    auto typeName = object ? object->getString("dtype") : std::nullopt;
    const json::Array *shape = object ? object->getArray("shape") : nullptr;
    const json::Array *offsets = object ? object->getArray("data_offsets") : nullptr;
    if (!typeName || !shape || !offsets || offsets->size() != 2)
      return makeError("tensor '" + name + "' lacks a dtype, a shape or two data_offsets");
    const auto *type = find_if(typeNames, [&](const auto &row) { return row.second == *typeName; });
    if (type == std::end(typeNames))
      return makeError("tensor '" + name + "' has the dtype " + *typeName + ", which cannot be read");
    Entry entry = {name.str(), type->first, {}, 0, 0};
    for (const json::Value &dim : *shape) {
      auto size = dim.getAsInteger();
      if (!size || *size < 0)
        return makeError("tensor '" + name + "' has a dim that is no count");
      entry.shape.push_back(*size);
    }
    auto begin = (*offsets)[0].getAsUINT64(), end = (*offsets)[1].getAsUINT64();
    Expected<int64_t> bytes = countBytes(entry.type, entry.shape);
    if (!bytes)
      return inContext("tensor '" + name + "'", bytes.takeError());
    if (!begin || !end || *end > data.size() || *begin > *end || *end - *begin != static_cast<uint64_t>(*bytes))
      return makeError("tensor '" + name + "' needs " + Twine(*bytes) +
                       " bytes, but its data_offsets give others or leave "
                       "the file");
    entry.begin = *begin;
    entry.end = *end;
    entries.push_back(std::move(entry));
    return Error::success();
  }

  /// The bytes must be covered once, without gaps.
  Error checkLayout() {
    llvm::sort(entries, [](const Entry &a, const Entry &b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    uint64_t at = 0;
    for (const Entry &entry : entries) {
      if (entry.begin != at)
        return makeError("tensor '" + entry.name + "' overlaps another one or leaves a gap before it");
      at = entry.end;
      index[entry.name] = order.size();
      order.push_back(entry.name);
    }
    if (at != data.size())
      return makeError("it has " + Twine(data.size() - at) + " bytes after its last tensor");
    return Error::success();
  }

  std::shared_ptr<const MappedFile> file;
  ArrayRef<uint8_t> data;
  std::vector<Entry> entries;
  std::vector<std::string> order;
  StringMap<size_t> index;
  std::map<std::string, std::string> remarks;
};

Error checkTensors(ArrayRef<NamedTensor> tensors) {
  StringSet<> names;
  for (const NamedTensor &view : tensors) {
    if (none_of(typeNames, [&](const auto &row) { return row.first == view.tensor.dtype(); }))
      return makeError("tensor '" + view.name + "' is " + name(view.tensor.dtype()) +
                       ", which safetensors cannot hold; pack it into uint8 first");
    if (!names.insert(view.name).second || view.name == "__metadata__")
      return makeError("two tensors have the name '" + view.name + "'");
  }
  return Error::success();
}

/// The header as one line of JSON, fields in the tensors' order, padded with spaces to 8 bytes.
std::string makeHeader(ArrayRef<NamedTensor> tensors, const std::map<std::string, std::string> &metadata) {
  std::string text;
  raw_string_ostream os(text);
  json::OStream json(os);
  uint64_t offset = 0;
  json.objectBegin();
  if (!metadata.empty())
    json.attributeObject("__metadata__", [&] {
      for (const auto &[key, value] : metadata)
        json.attribute(key, value);
    });
  for (const NamedTensor &view : tensors) {
    const auto *type = find_if(typeNames, [&](const auto &row) { return row.first == view.tensor.dtype(); });
    json.attributeObject(view.name, [&] {
      json.attribute("dtype", type->second);
      json.attributeArray("shape", [&] {
        for (int64_t dim : view.tensor.shape())
          json.value(dim);
      });
      json.attributeArray("data_offsets", [&] {
        json.value(static_cast<int64_t>(offset));
        json.value(static_cast<int64_t>(offset += view.tensor.numBytes()));
      });
    });
  }
  json.objectEnd();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

} // namespace

Expected<std::unique_ptr<SafetensorsReader>> SafetensorsReader::open(StringRef path) { return Reader::open(path); }

Error writeSafetensors(raw_ostream &os, ArrayRef<NamedTensor> tensors,
                       const std::map<std::string, std::string> &metadata) {
  if (Error error = checkTensors(tensors))
    return error;
  std::string header = makeHeader(tensors, metadata);
  char length[8];
  support::endian::write64le(length, header.size());
  os << StringRef(length, 8) << header;
  for (const NamedTensor &view : tensors)
    os << toStringRef(view.tensor.bytes());
  return Error::success();
}

Error writeSafetensors(StringRef path, ArrayRef<NamedTensor> tensors,
                       const std::map<std::string, std::string> &metadata) {
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Error error = writeSafetensors((*file)->os(), tensors, metadata))
    return error;
  return (*file)->commit();
}

} // namespace qopt
