#include "ExternalFiles.h"

#include "onnx/onnx_pb.h"

#include "llvm/Support/Path.h"

using namespace qopt;

ExternalFiles::ExternalFiles(llvm::StringRef modelPath) : folder(llvm::sys::path::parent_path(modelPath)) {
  if (folder.empty())
    folder = ".";
}

namespace {
llvm::Error parseNumber(llvm::StringRef key, llvm::StringRef text, std::optional<uint64_t> &out) {
  uint64_t value;
  if (text.empty() || text.getAsInteger(10, value))
    return makeError("has external data whose " + key + " '" + text + "' is not a number of bytes");
  out = value;
  return llvm::Error::success();
}
} // namespace

llvm::Expected<std::pair<Span, std::shared_ptr<const void>>> ExternalFiles::read(const onnx::TensorProto &tensor, uint64_t needed) {
  std::optional<std::string> location;
  std::optional<uint64_t> offset, length;
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    llvm::Error error = llvm::Error::success();
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset")
      error = parseNumber("offset", entry.value(), offset);
    else if (entry.key() == "length")
      error = parseNumber("length", entry.value(), length);
    else if (entry.key() != "checksum")
      error = makeError("has external data with the unknown key '" + entry.key() + "'");
    if (error)
      return error;
  }
  if (!location)
    return makeError("is external, but names no location");
  // Runtimes mark bytes that they hold in memory so; a file of that name would be somebody else's.
  if (llvm::StringRef(*location).starts_with("*/_ORT_MEM_ADDR_/") || llvm::StringRef(*location).starts_with("*/"))
    return makeError("points into another runtime's memory ('" + *location + "'), not to a file");
  auto &file = files[*location];
  if (!file) {
    auto opened = MappedFile::openBeneath(folder, *location);
    if (!opened) {
      files.erase(*location);
      return makeError("has external data that cannot be read: " + llvm::toString(opened.takeError()));
    }
    file = *opened;
  }
  if (needed && length && *length != needed)
    return makeError("has external data of " + llvm::Twine(*length) + " bytes, but needs " + llvm::Twine(needed));
  uint64_t size = length ? *length : needed;
  auto bytes = file->range(offset.value_or(0), size);
  if (!bytes)
    return bytes.takeError();
  return std::pair<Span, std::shared_ptr<const void>>(*bytes, file);
}
