// A linear op's weight as a matrix of rows, whatever its layout. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_WEIGHTROWS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_WEIGHTROWS_H

#include "qopt/Interfaces/LinearLike.h"
#include "qopt/Numerics/Formats/BlockScaled.h"

#include "mlir/IR/BuiltinTypes.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qopt {

/// The weight as [N, K]: one row an output channel; columns run over all other dims in their order, so those of a convolution
/// (channel, kernel dims) are those of its im2col matrix.
class WeightRows {
public:
  /// Copies a constant f32 weight. Empty, with a clause in `why`, where the op has none that has output channels.
  static std::optional<WeightRows> of(LinearLikeOpInterface op, std::string &why);
  static std::optional<WeightRows> of(mlir::ElementsAttr weight, int64_t outputAxis, int64_t inputAxis, std::string &why);

  RowShape shape() const { return rows; }
  std::span<const float> values() const { return data; }
  std::span<float> values() { return data; }
  mlir::RankedTensorType type() const { return tensorType; }
  int64_t outputAxis() const { return output; }
  int64_t inputAxis() const { return input; }
  /// Whether rows run along the input channels alone (matrices, 1x1 convolutions), so that groups of them can share a scale.
  bool isMatrix() const { return matrix; }

  /// An [N, K] array in the order of the weight's own dims.
  template <typename T> std::vector<T> toLayout(std::span<const T> byRows) const {
    if (output == 0)
      return {byRows.begin(), byRows.end()};
    std::vector<T> out(byRows.size());
    forEach([&](size_t row, size_t own) { out[own] = byRows[row]; });
    return out;
  }

  /// Calls body(index in [N, K], index in the weight's own order).
  template <typename Body> void forEach(Body &&body) const;

private:
  WeightRows() = default;

  mlir::RankedTensorType tensorType;
  int64_t output = 0, input = 0;
  bool matrix = false;
  RowShape rows{0, 0};
  int64_t inner = 1; ///< elements of the dims after the output axis
  std::vector<float> data;
};

template <typename Body> void WeightRows::forEach(Body &&body) const {
  for (int64_t n = 0; n < rows.rows; ++n)
    for (int64_t k = 0; k < rows.cols; ++k)
      body(static_cast<size_t>(n * rows.cols + k), static_cast<size_t>((k / inner * rows.rows + n) * inner + k % inner));
}

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_WEIGHTROWS_H
