// Windows that slide over the spatial dims of an N×C×spatial tensor, as gradients see them: one tap (position in the window) at a time.
#pragma once
#include "GradientImpl.h"

namespace qopt::nn {

class Windows {
public:
  using Tap = llvm::SmallVector<int64_t>; ///< how far from a window's begin, in each spatial dim

  /// `pads` are all begins, then all ends, as `autoPad` has them. Nothing where that depends on dims that are not known.
  static std::optional<Windows> over(mlir::Value x, llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> strides,
                                     llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<int64_t> pads, llvm::StringRef autoPad = "NOTSET",
                                     llvm::StringRef layout = "NCX");

  size_t spatial() const { return kernel.size(); }
  bool isPadded() const { return llvm::any_of(pads, [](int64_t pad) { return pad != 0; }); }
  /// Pixels from the first to the last of a window.
  int64_t reach(size_t dim) const { return (kernel[dim] - 1) * dilations[dim] + 1; }
  /// Row-major, as a weight has them.
  llvm::SmallVector<Tap> taps() const;

  /// x between its pads, which hold `fill` (null: zero).
  mlir::Value padded(mlir::Value x, mlir::Value fill, Gradients &g) const;
  /// What a tap sees of a padded tensor: a pixel for each of y.
  mlir::Value seen(mlir::Value padded, const Tap &tap, mlir::Value y, Gradients &g) const;

  /// Each pixel of dy where its window begins, zeros between.
  mlir::Value spread(mlir::Value dy, Gradients &g) const;
  /// The way back of `seen`: what `spread` made, at the pixels that the tap sees. All taps' have one size, which `cropped` takes.
  mlir::Value placed(mlir::Value spread, const Tap &tap, Gradients &g) const;
  /// The pixels of x, the first of which lies at `begins`; null where that depends on dims that are not known.
  mlir::Value cropped(mlir::Value frame, llvm::ArrayRef<int64_t> begins, Gradients &g) const;

  mlir::Value x;
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads;

private:
  llvm::SmallVector<int64_t> axes() const { return llvm::to_vector(llvm::seq<int64_t>(2, 2 + spatial())); }
};

} // namespace qopt::nn
