#include "qopt/Support/Npy.h"
#include "NpyFormat.h"
#include "qopt/Support/AtomicFile.h"
#include "qopt/Support/MappedFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/SwapByteOrder.h"
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;

namespace qopt {
namespace {

void swapElements(MutableArrayRef<uint8_t> bytes, unsigned size) {
  for (size_t at = 0; size > 1 && at + size <= bytes.size(); at += size)
    std::reverse(bytes.begin() + at, bytes.begin() + at + size);
}

/// One fixed-width element as UTF-8, without the zeros that fill it up.
std::string decodeText(const NpyInfo &info, ArrayRef<uint8_t> element) {
  std::string text;
  if (!info.textIsUCS4) {
    text.assign(element.begin(), element.end());
  } else {
    for (size_t at = 0; at + 4 <= element.size(); at += 4) {
      UTF32 point = info.bigEndian ? support::endian::read32be(&element[at]) : support::endian::read32le(&element[at]);
      char buffer[UNI_MAX_UTF8_BYTES_PER_CODE_POINT], *end = buffer;
      if (ConvertCodePointToUTF8(point, end))
        text.append(buffer, end);
    }
  }
  text.erase(text.find_last_not_of('\0') + 1);
  return text;
}

Expected<Tensor> textTensor(const NpyInfo &info, ArrayRef<int64_t> shape, ArrayRef<uint8_t> bytes) {
  Expected<int64_t> count = countElements(shape);
  if (!count)
    return count.takeError();
  std::vector<std::string> values;
  for (int64_t i = 0; i < *count; ++i)
    values.push_back(decodeText(info, bytes.slice(i * info.textBytes, info.textBytes)));
  return Tensor::ofStrings(std::move(values), shape);
}

class NpyRows : public ArrayRows {
public:
  NpyRows(std::shared_ptr<const MappedFile> mapped, NpyInfo info) : file(std::move(mapped)) {
    header = std::move(info);
    label = file->path();
  }

  Expected<Tensor> read(int64_t begin, int64_t end) override {
    int64_t rows = numRows();
    if (begin < 0 || end < begin || end > rows)
      return makeError("rows [" + Twine(begin) + ", " + Twine(end) + ") lie outside " + label);
    SmallVector<int64_t, 4> shape(header.shape);
    shape[0] = end - begin;
    int64_t row = rows == 0 ? 0 : header.dataBytes / rows;
    ArrayRef<uint8_t> source = file->bytes().slice(header.headerBytes + begin * row, (end - begin) * row);
    Expected<Tensor> bytes = Tensor::copy(DType::UInt8, {static_cast<int64_t>(source.size())}, source);
    // The pages of the file must not count as memory of ours.
    madvise(const_cast<uint8_t *>(file->bytes().data()), file->bytes().size(), MADV_DONTNEED);
    if (!bytes)
      return bytes;
    return npy::toTensor(header, shape, std::move(*bytes));
  }

private:
  std::shared_ptr<const MappedFile> file;
};

Expected<std::pair<std::shared_ptr<const MappedFile>, NpyInfo>> openNpy(StringRef path, std::optional<DType> hint) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<NpyInfo> info = parseNpyHeader((*file)->bytes(), path, hint);
  if (!info)
    return info.takeError();
  int64_t there = static_cast<int64_t>((*file)->bytes().size()) - info->headerBytes;
  if (there < info->dataBytes)
    return makeError(path + " is cut short: its array needs " + Twine(info->dataBytes) + " bytes, but " + Twine(there) +
                     " are there");
  return std::make_pair(std::move(*file), std::move(*info));
}

} // namespace

Expected<Tensor> npy::toTensor(const NpyInfo &info, ArrayRef<int64_t> shape, Tensor bytes) {
  SmallVector<int64_t, 4> dims(shape);
  if (info.fortranOrder)
    std::reverse(dims.begin(), dims.end());
  Expected<Tensor> tensor = Tensor();
  if (info.type == DType::String) {
    tensor = textTensor(info, dims, bytes.bytes());
  } else {
    if (info.bigEndian)
      swapElements(bytes.mutableBytes(), storageBytes(info.type));
    tensor = bytes.withType(info.type, dims);
  }
  if (!tensor || !info.fortranOrder)
    return tensor;
  return fromFortranOrder(*tensor);
}

Expected<Tensor> npy::fromFortranOrder(const Tensor &reversed) {
  SmallVector<int64_t, 4> shape(llvm::reverse(reversed.shape()));
  if (reversed.dtype() == DType::String)
    return makeError("an array of strings in Fortran order cannot be read; save it in C order");
  Expected<Tensor> result = Tensor::allocate(reversed.dtype(), shape);
  if (!result)
    return result;
  size_t size = storageBytes(reversed.dtype()), rank = shape.size();
  SmallVector<int64_t, 4> stride(rank), index(rank, 0); // in elements of the file
  int64_t step = 1;
  for (size_t axis = 0; axis < rank; ++axis) {
    stride[axis] = step;
    step *= shape[axis];
  }
  uint8_t *out = result->mutableBytes().data();
  const uint8_t *source = reversed.bytes().data();
  for (int64_t i = 0, offset = 0; i < result->numElements(); ++i) {
    std::memcpy(out + i * size, source + offset * size, size);
    for (size_t axis = rank; axis-- > 0;) {
      offset += stride[axis];
      if (++index[axis] < shape[axis])
        break;
      offset -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

Error npy::checkFitsInMemory(int64_t bytes, const Twine &what) {
  int64_t memory = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  if (bytes > memory)
    return makeError(what + " declares " + Twine(bytes) + " bytes, more than this machine's memory of " +
                     Twine(memory));
  return Error::success();
}

Expected<Tensor> readNpy(StringRef path, std::optional<DType> hint) {
  auto opened = openNpy(path, hint);
  if (!opened)
    return opened.takeError();
  auto &[file, info] = *opened;
  ArrayRef<uint8_t> data = file->bytes().slice(info.headerBytes, info.dataBytes);
  if (info.type != DType::String && !info.fortranOrder && (!info.bigEndian || storageBytes(info.type) == 1))
    return Tensor::borrow(info.type, info.shape, data, file);
  Expected<Tensor> bytes = Tensor::copy(DType::UInt8, {info.dataBytes}, data);
  return bytes ? npy::toTensor(info, info.shape, std::move(*bytes)) : std::move(bytes);
}

Expected<std::unique_ptr<ArrayRows>> openNpyRows(StringRef path) {
  auto opened = openNpy(path, std::nullopt);
  if (!opened)
    return opened.takeError();
  if (opened->second.shape.empty())
    return makeError(path + " holds a scalar: it has no rows");
  if (opened->second.fortranOrder)
    return makeError(path + " is in Fortran order and cannot be read row by row; save it in C order");
  return std::make_unique<NpyRows>(std::move(opened->first), std::move(opened->second));
}

ArrayRef<uint8_t> npy::fileBytes(const Tensor &tensor, std::vector<uint8_t> &storage) {
  if (tensor.dtype() != DType::String)
    return tensor.bytes();
  // UCS-4 of the width that the header states.
  NpyInfo info = cantFail(parseNpyHeader(arrayRefFromStringRef(makeHeader(tensor)), "header"));
  for (const std::string &text : tensor.strings()) {
    std::vector<UTF32> points(info.textBytes / 4);
    const auto *source = reinterpret_cast<const UTF8 *>(text.data());
    UTF32 *target = points.data();
    ConvertUTF8toUTF32(&source, source + text.size(), &target, target + points.size(), lenientConversion);
    auto *raw = reinterpret_cast<const uint8_t *>(points.data());
    storage.insert(storage.end(), raw, raw + info.textBytes);
  }
  return storage;
}

Error writeNpy(StringRef path, const Tensor &tensor) {
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  std::vector<uint8_t> storage;
  ArrayRef<uint8_t> data = npy::fileBytes(tensor, storage);
  (*file)->os() << npy::makeHeader(tensor) << toStringRef(data);
  return (*file)->commit();
}

} // namespace qopt
