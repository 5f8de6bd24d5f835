#include "qopt/Calibration/SampleSource.h"

#include "qopt/Import/ONNX/TensorFile.h"
#include "qopt/Support/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace qopt;

namespace {

std::string listOf(ArrayRef<std::string> names) { return names.empty() ? "none" : join(names, ", "); }

/// Checks one array's type and dims against the model's input; `rowsFirst` when axis 0 holds the samples.
Error checkArray(const Twine &what, DType type, ArrayRef<int64_t> shape, const ValueSpec &spec) {
  if (type != spec.dtype)
    return makeError(what + " holds " + name(type) + ", but the model takes " + name(spec.dtype) + "; convert the array");
  if (shape.size() != spec.shape.size())
    return makeError(what + " has " + Twine(shape.size()) + " dims, but the model takes " + Twine(spec.shape.size()) +
                     " (samples lie along axis 0)");
  for (size_t d = 1; d < shape.size(); ++d)
    if (spec.shape[d] >= 0 && shape[d] != spec.shape[d])
      return makeError(what + " has " + Twine(shape[d]) + " elements along axis " + Twine(d) + ", but the model takes " +
                       Twine(spec.shape[d]));
  return Error::success();
}

template <typename T> int64_t firstNonFinite(ArrayRef<T> values) {
  const auto *found = llvm::find_if(values, [](T v) { return !std::isfinite(v); });
  return found == values.end() ? -1 : found - values.begin();
}

/// A NaN or infinity in a float input would spoil every statistic: say where it is.
Error checkFinite(const Tensor &tensor, const Twine &what, int64_t firstSample) {
  int64_t at = -1;
  if (tensor.dtype() == DType::Float32)
    at = firstNonFinite(tensor.values<float>());
  else if (tensor.dtype() == DType::Float64)
    at = firstNonFinite(tensor.values<double>());
  if (at < 0)
    return Error::success();
  int64_t rowElements = std::max<int64_t>(tensor.numElements() / std::max<int64_t>(tensor.dim(0), 1), 1);
  return makeError(what + ": sample " + Twine(firstSample + at / rowElements) +
                   " holds a NaN or an infinity; remove the sample or mend it");
}

class NpzSource : public SampleSource {
public:
  static Expected<std::unique_ptr<SampleSource>> open(StringRef path, ArrayRef<ValueSpec> inputs) {
    auto reader = NpzReader::open(path);
    if (!reader)
      return reader.takeError();
    auto source = std::make_unique<NpzSource>();
    source->reader = std::move(*reader);
    for (const ValueSpec &spec : inputs)
      if (Error error = source->add(path, spec))
        return std::move(error);
    if (source->count <= 0)
      return makeError(path + ": it holds no samples");
    return std::unique_ptr<SampleSource>(std::move(source));
  }

  int64_t size() const override { return count; }
  bool canBatch() const override { return true; }

  Expected<SmallVector<Tensor>> read(int64_t begin, int64_t end) override {
    SmallVector<Tensor> batch;
    for (auto &rows : arrays) {
      Expected<Tensor> tensor = rows->read(begin, end);
      if (!tensor)
        return tensor.takeError();
      if (Error error = checkFinite(*tensor, rows->what(), begin))
        return std::move(error);
      batch.push_back(std::move(*tensor));
    }
    return batch;
  }

private:
  Error add(StringRef path, const ValueSpec &spec) {
    const NpyInfo *info = reader->info(spec.name);
    if (!info)
      return makeError(path + ": there is no array named '" + spec.name + "', which the model takes; it holds " +
                       listOf(reader->names()));
    if (Error error = checkArray(path + ": array '" + spec.name + "'", info->type, info->shape, spec))
      return error;
    if (count >= 0 && info->shape[0] != count)
      return makeError(path + ": array '" + spec.name + "' holds " + Twine(info->shape[0]) + " samples, the others " +
                       Twine(count));
    count = info->shape[0];
    auto rows = reader->rows(spec.name);
    if (!rows)
      return rows.takeError();
    arrays.push_back(std::move(*rows));
    return Error::success();
  }

  std::unique_ptr<NpzReader> reader;
  std::vector<std::unique_ptr<ArrayRows>> arrays;
  int64_t count = -1;
};

/// A folder of .npz files, or of folders test_data_set_N with ONNX's tensors: a sample each.
class FolderSource : public SampleSource {
public:
  static Expected<std::unique_ptr<SampleSource>> open(StringRef path, ArrayRef<ValueSpec> inputs) {
    auto source = std::make_unique<FolderSource>();
    source->inputs.assign(inputs.begin(), inputs.end());
    if (isTestDataSet(path))
      source->samples.push_back(path.str());
    std::error_code code;
    for (sys::fs::directory_iterator it(path, code), end; it != end && !code; it.increment(code))
      if (sys::path::extension(it->path()) == ".npz" || isTestDataSet(it->path()))
        source->samples.push_back(it->path());
    if (code)
      return makeError(path + ": the folder cannot be read: " + code.message());
    if (source->samples.empty())
      return makeError(path + ": the folder holds no samples: neither .npz files nor folders test_data_set_N with input_0.pb");
    llvm::sort(source->samples, [](StringRef a, StringRef b) { return a.compare_numeric(b) < 0; });
    return std::unique_ptr<SampleSource>(std::move(source));
  }

  int64_t size() const override { return static_cast<int64_t>(samples.size()); }
  bool canBatch() const override { return false; }

  Expected<SmallVector<Tensor>> read(int64_t begin, int64_t end) override {
    const std::string &sample = samples[begin];
    if (end != begin + 1)
      return makeError(sample + ": samples of a folder are read one at a time");
    bool isFolder = sys::path::extension(sample) != ".npz";
    auto arrays = isFolder ? readTestDataSet(sample, inputs) : readNpz(sample);
    if (!arrays)
      return arrays.takeError();
    SmallVector<Tensor> batch;
    for (const ValueSpec &spec : inputs) {
      std::string what = sample + (isFolder ? ": tensor '" : ": array '") + spec.name + "'";
      auto found = llvm::find_if(*arrays, [&](const NamedTensor &array) { return array.name == spec.name; });
      if (found == arrays->end())
        return makeError(what + " is missing; it holds " + namesOf(*arrays));
      const Tensor &tensor = found->tensor;
      if (Error error = checkArray(what, tensor.dtype(), tensor.shape(), spec))
        return std::move(error);
      if (Error error = checkFinite(tensor, what, begin))
        return std::move(error);
      batch.push_back(tensor);
    }
    return batch;
  }

private:
  static std::string namesOf(ArrayRef<NamedTensor> arrays) {
    std::vector<std::string> names;
    for (const NamedTensor &array : arrays)
      names.push_back(array.name);
    return listOf(names);
  }

  std::vector<ValueSpec> inputs;
  std::vector<std::string> samples;
};

} // namespace

Expected<std::unique_ptr<SampleSource>> SampleSource::open(StringRef path, ArrayRef<ValueSpec> inputs) {
  if (sys::fs::is_directory(path))
    return FolderSource::open(path, inputs);
  return NpzSource::open(path, inputs);
}

void DataHash::addSample(int64_t index, ArrayRef<Tensor> inputs) {
  SmallVector<uint8_t> digest(sizeof(uint64_t));
  support::endian::write64le(digest.data(), static_cast<uint64_t>(index));
  for (const Tensor &tensor : inputs) {
    XXH128_hash_t part = xxh3_128bits(tensor.bytes());
    size_t at = digest.size();
    digest.resize(at + 16);
    support::endian::write64le(digest.data() + at, part.low64);
    support::endian::write64le(digest.data() + at + 8, part.high64);
  }
  XXH128_hash_t whole = xxh3_128bits(digest);
  combine({whole.low64, whole.high64});
}

void DataHash::combine(const DataHash &other) { low += other.low, high += other.high; }

std::string DataHash::hex() const { return formatv("{0:x-16}{1:x-16}", high, low); }

std::optional<DataHash> DataHash::parse(StringRef hex) {
  DataHash hash;
  if (hex.size() != 32 || hex.take_front(16).getAsInteger(16, hash.high) || hex.drop_front(16).getAsInteger(16, hash.low))
    return std::nullopt;
  return hash;
}
