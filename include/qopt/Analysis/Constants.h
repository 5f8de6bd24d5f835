//===- Constants.h - Reading and making constant tensors ---------------------===//
//
// Weights are elements attributes: inline (`dense`) or resources over mapped memory (`dense_resource`). These helpers read both
// without copying where they can, and make new ones (inline up to 1 KiB, else a resource).
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_ANALYSIS_CONSTANTS_H
#define QOPT_ANALYSIS_CONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace qopt {

/// The elements of an f32 constant in row-major order: borrowed where they lie dense in memory, else (splats) expanded.
class FloatElements {
public:
  explicit FloatElements(mlir::ElementsAttr attr);
  /// False where the attribute is no f32 tensor, or its resource is not there.
  bool valid() const { return isValid; }
  llvm::ArrayRef<float> values() const { return view; }

private:
  std::vector<float> storage;
  llvm::ArrayRef<float> view;
  bool isValid = false;
};

/// The constant behind a value, or null.
mlir::ElementsAttr constantOf(mlir::Value value);

/// The only element of a one-element f32 or integer constant.
std::optional<double> scalarConstant(mlir::Value value);

/// A constant attribute over a copy of `bytes` (dense in memory, sub-byte types one element per byte). `name` becomes part of the
/// resource's key.
mlir::ElementsAttr makeElements(mlir::RankedTensorType type, llvm::ArrayRef<char> bytes, llvm::StringRef name);

template <typename T>
mlir::ElementsAttr makeElements(mlir::RankedTensorType type, llvm::ArrayRef<T> values, llvm::StringRef name) {
  return makeElements(type, llvm::ArrayRef<char>(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)),
                      name);
}

} // namespace qopt

#endif // QOPT_ANALYSIS_CONSTANTS_H
