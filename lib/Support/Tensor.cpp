#include "qopt/Support/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdlib>
#include <sys/mman.h>

using namespace llvm;

namespace qopt {
namespace {

constexpr size_t alignment = 64;
// From here on memory comes straight from the kernel: already zero, and given back at once.
constexpr size_t mapThreshold = size_t(1) << 20;

/// Zeroed, 64-byte aligned memory; null when there is none.
std::shared_ptr<uint8_t> allocateZeroed(size_t size) {
  if (size >= mapThreshold) {
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      return nullptr;
    return {static_cast<uint8_t *>(memory), [size](uint8_t *data) { munmap(data, size); }};
  }
  size_t padded = (size + alignment) / alignment * alignment; // never zero, so that data() is never null
  void *memory = std::aligned_alloc(alignment, padded);
  if (!memory)
    return nullptr;
  std::memset(memory, 0, padded);
  return {static_cast<uint8_t *>(memory), [](uint8_t *data) { std::free(data); }};
}

} // namespace

Expected<Tensor> Tensor::allocate(DType type, ArrayRef<int64_t> shape) {
  if (type == DType::String)
    return makeError("a string tensor has no bytes of a fixed size; build it with Tensor::ofStrings");
  Expected<int64_t> bytes = countBytes(type, shape);
  if (!bytes)
    return bytes.takeError();
  std::shared_ptr<uint8_t> memory = allocateZeroed(*bytes);
  if (!memory)
    return makeError("not enough memory for " + Twine(*bytes) + " bytes of " + name(type) + shapeToString(shape));
  Tensor result;
  result.type = type;
  result.writable = true;
  result.dims.assign(shape.begin(), shape.end());
  result.count = *bytes / storageBytes(type);
  result.view = {memory.get(), static_cast<size_t>(*bytes)};
  result.owner = std::move(memory);
  return result;
}

Expected<Tensor> Tensor::borrow(DType type, ArrayRef<int64_t> shape, ArrayRef<uint8_t> bytes,
                                std::shared_ptr<const void> owner) {
  if (type == DType::String)
    return makeError("a string tensor cannot borrow bytes; build it with Tensor::ofStrings");
  Expected<int64_t> needed = countBytes(type, shape);
  if (!needed)
    return needed.takeError();
  if (static_cast<uint64_t>(*needed) != bytes.size())
    return makeError(name(type) + shapeToString(shape) + " needs " + Twine(*needed) + " bytes, but " +
                     Twine(bytes.size()) + " are there");
  if (reinterpret_cast<uintptr_t>(bytes.data()) % storageBytes(type) != 0)
    return copy(type, shape, bytes);
  Tensor result;
  result.type = type;
  result.dims.assign(shape.begin(), shape.end());
  result.count = *needed / storageBytes(type);
  result.view = bytes;
  result.owner = std::move(owner);
  return result;
}

Expected<Tensor> Tensor::copy(DType type, ArrayRef<int64_t> shape, ArrayRef<uint8_t> bytes) {
  Expected<Tensor> result = allocate(type, shape);
  if (!result)
    return result;
  if (result->view.size() != bytes.size())
    return makeError(result->typeString() + " needs " + Twine(result->view.size()) + " bytes, but " +
                     Twine(bytes.size()) + " are there");
  if (!bytes.empty())
    std::memcpy(result->mutableBytes().data(), bytes.data(), bytes.size());
  return result;
}

Expected<Tensor> Tensor::ofStrings(std::vector<std::string> values, ArrayRef<int64_t> shape) {
  Expected<int64_t> count = countElements(shape);
  if (!count)
    return count.takeError();
  if (static_cast<uint64_t>(*count) != values.size())
    return makeError("string" + shapeToString(shape) + " needs " + Twine(*count) + " strings, but " +
                     Twine(values.size()) + " are there");
  Tensor result;
  result.type = DType::String;
  result.dims.assign(shape.begin(), shape.end());
  result.count = *count;
  result.text = std::make_shared<const std::vector<std::string>>(std::move(values));
  return result;
}

ArrayRef<std::string> Tensor::strings() const {
  if (!text)
    return {};
  return ArrayRef(*text).slice(textBegin, count);
}

Expected<Tensor> Tensor::clone() const {
  if (type == DType::String)
    return *this; // strings are never written in place
  return copy(type, dims, view);
}

Expected<Tensor> Tensor::reshape(ArrayRef<int64_t> shape) const {
  Expected<int64_t> wanted = countElements(shape);
  if (!wanted)
    return wanted.takeError();
  if (*wanted != count)
    return makeError(typeString() + " cannot be seen as " + shapeToString(shape) + ": the sizes differ");
  Tensor result = *this;
  result.dims.assign(shape.begin(), shape.end());
  return result;
}

Expected<Tensor> Tensor::withType(DType newType, ArrayRef<int64_t> shape) const {
  if (type == DType::String)
    return makeError("strings cannot be seen as " + name(newType));
  Expected<Tensor> result = borrow(newType, shape, view, owner);
  // Unaligned bytes were copied, and are writable already.
  if (result && result->data() == data())
    result->writable = writable;
  return result;
}

Expected<Tensor> Tensor::slice(int64_t begin, int64_t end) const {
  if (dims.empty())
    return makeError("a scalar has no rows to slice");
  if (begin < 0 || end < begin || end > dims[0])
    return makeError("rows [" + Twine(begin) + ", " + Twine(end) + ") lie outside " + typeString());
  Tensor result = *this;
  result.dims[0] = end - begin;
  int64_t row = dims[0] == 0 ? 0 : count / dims[0];
  result.count = row * (end - begin);
  result.textBegin += row * begin;
  if (type != DType::String)
    result.view = view.slice(row * begin * storageBytes(type), result.count * storageBytes(type));
  return result;
}

Expected<Tensor> Tensor::concat(ArrayRef<Tensor> parts) {
  if (parts.empty())
    return makeError("there is nothing to concatenate");
  const Tensor &first = parts.front();
  SmallVector<int64_t, 4> shape(first.shape());
  if (shape.empty())
    return makeError("scalars cannot be concatenated");
  shape[0] = 0;
  std::vector<std::string> texts;
  for (const Tensor &part : parts) {
    if (part.type != first.type || part.shape().drop_front(part.dims.empty() ? 0 : 1) != first.shape().drop_front())
      return makeError(part.typeString() + " cannot follow " + first.typeString() + " along the first axis");
    if (__builtin_add_overflow(shape[0], part.dims[0], &shape[0]))
      return makeError("the concatenation has more rows than 64 bits can count");
    append_range(texts, part.strings());
  }
  if (first.type == DType::String)
    return ofStrings(std::move(texts), shape);
  Expected<Tensor> result = allocate(first.type, shape);
  if (!result)
    return result;
  uint8_t *out = result->mutableBytes().data();
  for (const Tensor &part : parts)
    if (!part.view.empty()) {
      std::memcpy(out, part.view.data(), part.view.size());
      out += part.view.size();
    }
  return result;
}

} // namespace qopt
