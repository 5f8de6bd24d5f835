// A dense, row-major host tensor: a type, a shape, and bytes that it owns or borrows.
//
// Copies are shallow (they share the bytes); clone() is deep. Bytes are 64-byte aligned when owned. Borrowed bytes (a
// mapped file, an array of an embedder) stay alive through `owner`. Sub-byte types take one byte an element: see
// DType.h.
#pragma once
#include "qopt/Support/DType.h"
#include "qopt/Support/Error.h"
#include "llvm/ADT/SmallVector.h"
#include <cassert>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace qopt {

class Tensor {
public:
  /// An empty float32 tensor of shape [0].
  Tensor() = default;

  /// A zeroed tensor that owns its bytes. Errors: a bad shape, not enough memory, String (see ofStrings).
  static llvm::Expected<Tensor> allocate(DType type, llvm::ArrayRef<int64_t> shape);

  /// A read-only tensor over `bytes`, which `owner` keeps alive. Copies when the bytes are not aligned to an element.
  /// Errors: a bad shape, or a size that is not that of `type` and `shape`.
  static llvm::Expected<Tensor> borrow(DType type, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<uint8_t> bytes,
                                       std::shared_ptr<const void> owner);

  /// A tensor that owns a copy of `bytes`.
  static llvm::Expected<Tensor> copy(DType type, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<uint8_t> bytes);

  /// A tensor that owns a copy of `values`; the type follows from T.
  template <typename T> static llvm::Expected<Tensor> of(llvm::ArrayRef<T> values, llvm::ArrayRef<int64_t> shape) {
    return copy(dtypeOf<T>(), shape, {reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(T)});
  }

  /// A String tensor; its elements are read with strings().
  static llvm::Expected<Tensor> ofStrings(std::vector<std::string> values, llvm::ArrayRef<int64_t> shape);

  DType dtype() const { return type; }
  llvm::ArrayRef<int64_t> shape() const { return dims; }
  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  int64_t dim(unsigned axis) const { return dims[axis]; }
  int64_t numElements() const { return count; }
  int64_t numBytes() const { return static_cast<int64_t>(view.size()); }

  llvm::ArrayRef<uint8_t> bytes() const { return view; }
  const void *data() const { return view.data(); }

  /// Whether the bytes may be written through this tensor (owned; every shallow copy sees the change).
  bool isWritable() const { return writable; }
  llvm::MutableArrayRef<uint8_t> mutableBytes() {
    assert(writable && "a borrowed tensor is read-only: clone() it");
    return {const_cast<uint8_t *>(view.data()), view.size()};
  }

  /// The elements as T. The caller has checked dtype(); where the type is the user's choice, use expectValues.
  template <typename T> llvm::ArrayRef<T> values() const {
    assert(isStorageOf<T>(type) && "values<T>() of another element type");
    return {reinterpret_cast<const T *>(view.data()), view.size() / sizeof(T)};
  }
  template <typename T> llvm::MutableArrayRef<T> mutableValues() {
    assert(isStorageOf<T>(type) && "mutableValues<T>() of another element type");
    return {reinterpret_cast<T *>(mutableBytes().data()), view.size() / sizeof(T)};
  }

  /// The elements as T, or a sentence that names `what` ("input 'ids'") when the tensor holds another type.
  template <typename T> llvm::Expected<llvm::ArrayRef<T>> expectValues(const llvm::Twine &what) const {
    if (!isStorageOf<T>(type))
      return makeError(what + " holds " + name(type) + ", but " + name(dtypeOf<T>()) + " is needed");
    return values<T>();
  }

  /// The elements of a String tensor; empty for every other type.
  llvm::ArrayRef<std::string> strings() const;

  /// A deep, writable copy.
  llvm::Expected<Tensor> clone() const;

  /// The same elements under another shape of the same size; shares the bytes.
  llvm::Expected<Tensor> reshape(llvm::ArrayRef<int64_t> shape) const;

  /// The same bytes as elements of `type`; shares them. Errors: sizes that differ, String.
  llvm::Expected<Tensor> withType(DType type, llvm::ArrayRef<int64_t> shape) const;

  /// Rows [begin, end) along axis 0; shares the bytes. Errors: a scalar, or a range outside the axis.
  llvm::Expected<Tensor> slice(int64_t begin, int64_t end) const;

  /// The tensors one after another along axis 0. Errors: none given, scalars, types or trailing dims that differ.
  static llvm::Expected<Tensor> concat(llvm::ArrayRef<Tensor> parts);

  /// "float32[2,3]".
  std::string typeString() const { return name(type).str() + shapeToString(dims); }

private:
  DType type = DType::Float32;
  bool writable = false;
  llvm::SmallVector<int64_t, 4> dims = {0};
  int64_t count = 0;
  llvm::ArrayRef<uint8_t> view;
  std::shared_ptr<const void> owner;
  /// Elements of a String tensor, and where this one starts in them (slices share the vector).
  std::shared_ptr<const std::vector<std::string>> text;
  int64_t textBegin = 0;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

} // namespace qopt
