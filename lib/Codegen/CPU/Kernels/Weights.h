//===- Weights.h - Constants read, packed and written at compile time ----------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_WEIGHTS_H
#define QOPT_CODEGEN_CPU_KERNELS_WEIGHTS_H

#include "qopt/Codegen/CPU/Kernels/KernelTable.h"
#include "qopt/Conversion/Common/Emitter.h"

#include <memory>
#include <optional>
#include <vector>

namespace qopt::qcpu {

/// The elements of an nn.constant: dense, row-major, one of less than 8 bits a byte.
struct ConstantData {
  mlir::RankedTensorType type;
  llvm::ArrayRef<char> bytes;
  std::shared_ptr<std::vector<char>> owned;
  std::shared_ptr<void> pages; ///< gives mapped pages back to the system with the last copy: packed weights take their place

  template <typename T>
  llvm::ArrayRef<T> as() const {
    return {reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)};
  }
  /// Integer elements of 2 to 64 bits, widened by their signedness.
  std::vector<int32_t> asInt32() const;
};

/// Nothing for a value that is not constant or whose bytes are not at hand.
std::optional<ConstantData> constantData(mlir::Value value);

/// A matrix k × n of f32 or i8, copied out of a constant.
template <typename T>
struct Matrix {
  int64_t k = 0, n = 0;
  std::vector<T> elements; ///< row-major, K first
};

/// A constant tensor over bytes of its own, aligned to a cache line.
mlir::Value makeConstant(qopt::Emitter &e, mlir::RankedTensorType type, llvm::ArrayRef<char> bytes);
template <typename T>
mlir::Value makeConstant(qopt::Emitter &e, llvm::ArrayRef<int64_t> shape, mlir::Type element, llvm::ArrayRef<T> values) {
  return makeConstant(e, mlir::RankedTensorType::get(shape, element),
                      {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)});
}

/// The matrix in the panels that `form` reads (QCPUOps.td).
template <typename T>
mlir::Value packPanels(qopt::Emitter &e, const KernelForm &form, const Matrix<T> &matrix);

/// Codes of 0 to 15, two a byte.
mlir::Value packNibblePanels(qopt::Emitter &e, const KernelForm &form, const Matrix<int8_t> &matrix);

/// Values over n columns, padded with zeros to whole panels.
template <typename T>
mlir::Value padToPanels(qopt::Emitter &e, const KernelForm &form, std::vector<T> values);

/// Whether |w0| + |w1| <= 128 for all pairs along K that vpmaddubsw would add.
bool pairsAreBounded(const Matrix<int8_t> &matrix);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_WEIGHTS_H
