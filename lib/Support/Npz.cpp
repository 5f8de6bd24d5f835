#include "NpyFormat.h"
#include "Zip.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/Npy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;

namespace qopt {
namespace {

// Headers that numpy writes are below 1 KiB; it refuses longer ones than 10,000 characters itself.
constexpr int64_t maxHeader = 10000;

struct Array {
  zip::Member member;
  NpyInfo info;
  std::string label;
};

/// A stream that stands behind the header.
Expected<std::unique_ptr<zip::Stream>> openData(std::shared_ptr<const MappedFile> file, const Array &array) {
  auto stream = zip::Stream::open(std::move(file), array.member);
  if (!stream)
    return stream;
  std::vector<uint8_t> header(array.info.headerBytes);
  if (Error error = (*stream)->read(header))
    return error;
  return stream;
}

Expected<Tensor> readBytes(zip::Stream &stream, int64_t size) {
  Expected<Tensor> bytes = Tensor::allocate(DType::UInt8, {size});
  if (!bytes)
    return bytes;
  if (Error error = stream.read(bytes->mutableBytes()))
    return error;
  return bytes;
}

class NpzRows : public ArrayRows {
public:
  NpzRows(std::shared_ptr<const MappedFile> file, const Array &array) : file(std::move(file)), array(array) {
    header = array.info;
    label = array.label;
  }

  Expected<Tensor> read(int64_t begin, int64_t end) override {
    if (begin < 0 || end < begin || end > numRows())
      return makeError("rows [" + Twine(begin) + ", " + Twine(end) + ") lie outside " + label);
    int64_t row = numRows() == 0 ? 0 : header.dataBytes / numRows();
    if (Error error = moveTo(static_cast<uint64_t>(header.headerBytes + begin * row)))
      return error;
    Expected<Tensor> bytes = readBytes(*stream, (end - begin) * row);
    if (!bytes)
      return bytes;
    SmallVector<int64_t, 4> shape(header.shape);
    shape[0] = end - begin;
    return npy::toTensor(header, shape, std::move(*bytes));
  }

private:
  Error moveTo(uint64_t position) {
    if (!stream || stream->position() > position) {
      auto fresh = openData(file, array);
      if (!fresh)
        return fresh.takeError();
      stream = std::move(*fresh);
    }
    return stream->skip(position - stream->position());
  }

  std::shared_ptr<const MappedFile> file;
  Array array;
  std::unique_ptr<zip::Stream> stream;
};

/// Rows of an array that had to be loaded whole.
class LoadedRows : public ArrayRows {
public:
  LoadedRows(Tensor tensor, const Array &array) : tensor(std::move(tensor)) {
    header = array.info;
    label = array.label;
  }
  Expected<Tensor> read(int64_t begin, int64_t end) override {
    Expected<Tensor> part = tensor.slice(begin, end);
    return part ? part->clone() : std::move(part);
  }

private:
  Tensor tensor;
};

class Reader : public NpzReader {
public:
  static Expected<std::unique_ptr<NpzReader>> open(StringRef path) {
    auto file = MappedFile::open(path);
    if (!file)
      return file.takeError();
    auto members = zip::readDirectory(**file);
    if (!members)
      return members.takeError();
    auto reader = std::make_unique<Reader>();
    reader->file = std::move(*file);
    for (zip::Member &member : *members)
      if (Error error = reader->add(std::move(member)))
        return error;
    return reader;
  }

  ArrayRef<std::string> names() const override { return order; }

  const NpyInfo *info(StringRef name) const override {
    auto found = arrays.find(name);
    return found == arrays.end() ? nullptr : &found->second.info;
  }

  Expected<Tensor> read(StringRef name) override {
    Expected<const Array *> array = find(name);
    if (!array)
      return array.takeError();
    const NpyInfo &info = (*array)->info;
    if (Error error = npy::checkFitsInMemory(info.dataBytes, (*array)->label))
      return error;
    auto stream = openData(file, **array);
    if (!stream)
      return stream.takeError();
    Expected<Tensor> bytes = readBytes(**stream, info.dataBytes);
    return bytes ? npy::toTensor(info, info.shape, std::move(*bytes)) : std::move(bytes);
  }

  Expected<std::unique_ptr<ArrayRows>> rows(StringRef name) override {
    Expected<const Array *> array = find(name);
    if (!array)
      return array.takeError();
    if ((*array)->info.shape.empty())
      return makeError((*array)->label + " is a scalar: it has no rows");
    if (!(*array)->info.fortranOrder)
      return std::make_unique<NpzRows>(file, **array);
    Expected<Tensor> whole = read(name);
    if (!whole)
      return whole.takeError();
    return std::make_unique<LoadedRows>(std::move(*whole), **array);
  }

private:
  Expected<const Array *> find(StringRef name) const {
    auto found = arrays.find(name);
    if (found == arrays.end())
      return makeError(file->path() + " has no array '" + name + "'; it has " +
                       (order.empty() ? "none" : join(order, ", ")));
    return &found->second;
  }

  Error add(zip::Member member) {
    StringRef name = member.name;
    if (!name.consume_back(".npy"))
      return makeError(file->path() + " holds '" + name + "', which is no .npy array");
    Array array;
    array.label = "array '" + name.str() + "' of " + file->path();
    auto stream = zip::Stream::open(file, member);
    if (!stream)
      return stream.takeError();
    std::vector<uint8_t> front(std::min<uint64_t>(member.size, maxHeader));
    if (Error error = (*stream)->read(front))
      return error;
    Expected<NpyInfo> info = parseNpyHeader(front, array.label);
    if (!info)
      return info.takeError();
    int64_t there = static_cast<int64_t>(member.size) - info->headerBytes;
    if (there != info->dataBytes)
      return makeError(array.label + " needs " + Twine(info->dataBytes) + " bytes, but " + Twine(there) + " are there");
    array.info = std::move(*info);
    order.push_back(name.str());
    array.member = std::move(member);
    arrays.try_emplace(order.back(), std::move(array));
    return Error::success();
  }

  std::shared_ptr<const MappedFile> file;
  std::vector<std::string> order;
  StringMap<Array> arrays;
};

} // namespace

Expected<std::unique_ptr<NpzReader>> NpzReader::open(StringRef path) { return Reader::open(path); }

Expected<std::vector<NamedTensor>> readNpz(StringRef path) {
  auto reader = NpzReader::open(path);
  if (!reader)
    return reader.takeError();
  std::vector<NamedTensor> arrays;
  for (const std::string &name : (*reader)->names()) {
    Expected<Tensor> tensor = (*reader)->read(name);
    if (!tensor)
      return tensor.takeError();
    arrays.push_back({name, std::move(*tensor)});
  }
  return arrays;
}

Error writeNpz(raw_ostream &os, ArrayRef<NamedTensor> arrays, bool deflate) {
  zip::Writer writer(os);
  for (const NamedTensor &array : arrays) {
    if (array.name.size() > 0xff00)
      return makeError("an array's name is too long for .npz");
    std::string header = npy::makeHeader(array.tensor);
    std::vector<uint8_t> storage;
    ArrayRef<uint8_t> data = npy::fileBytes(array.tensor, storage);
    if (Error error = writer.add(array.name + ".npy", {arrayRefFromStringRef(header), data}, deflate))
      return error;
  }
  writer.finish();
  return Error::success();
}

Error writeNpz(StringRef path, ArrayRef<NamedTensor> arrays, bool deflate) {
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (Error error = writeNpz((*file)->os(), arrays, deflate))
    return error;
  return (*file)->commit();
}

} // namespace qopt
