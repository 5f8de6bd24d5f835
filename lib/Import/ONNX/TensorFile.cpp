#include "qopt/Import/ONNX/TensorFile.h"

#include "TensorData.h"

#include "qopt/Support/MappedFile.h"

#include "onnx/onnx_pb.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace qopt;

namespace {

class NoExternalData : public ExternalData {
  Expected<std::pair<Span, std::shared_ptr<const void>>> read(const onnx::TensorProto &, uint64_t) override {
    return makeError("points to external data, which a file of one tensor cannot have");
  }
};

std::string inputFile(StringRef folder, size_t index) {
  SmallString<128> path(folder);
  sys::path::append(path, "input_" + Twine(index) + ".pb");
  return path.str().str();
}

} // namespace

Expected<NamedTensor> qopt::readTensorFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  StringRef bytes = (*file)->text();
  onnx::TensorProto proto;
  if (bytes.size() > INT32_MAX || !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !proto.has_data_type())
    return makeError("'" + path + "' is not a serialized ONNX tensor");
  NoExternalData external;
  auto tensor = readTensor(proto, std::nullopt, nullptr, external);
  if (!tensor)
    return makeError("'" + path + "': " + toString(tensor.takeError()));
  return NamedTensor{proto.name(), std::move(*tensor)};
}

bool qopt::isTestDataSet(StringRef folder) { return sys::fs::exists(inputFile(folder, 0)); }

Expected<std::vector<NamedTensor>> qopt::readTestDataSet(StringRef folder, ArrayRef<ValueSpec> inputs) {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; sys::fs::exists(inputFile(folder, i)); ++i) {
    auto tensor = readTensorFile(inputFile(folder, i));
    if (!tensor)
      return tensor.takeError();
    bool known = any_of(inputs, [&](const ValueSpec &spec) { return spec.name == tensor->name; });
    if (!known && i < inputs.size())
      tensor->name = inputs[i].name;
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}
