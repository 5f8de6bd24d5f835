//===- Windows.h - Sliding windows: padding, sizes, convolution ----------------===//
#ifndef QOPT_CONVERSION_COMMON_WINDOWS_H
#define QOPT_CONVERSION_COMMON_WINDOWS_H

#include "qopt/Conversion/Common/Contraction.h"

namespace qopt {

/// The windows of a convolution or a pooling over the spatial dims of `x` (a value of the graph).
struct Windows {
  mlir::Value x;
  Values kernel; ///< sizes
  llvm::ArrayRef<int64_t> strides, dilations, pads;
  llvm::StringRef autoPad;
  bool isLast = false; ///< channels stand last (NXC)
  bool ceilMode = false;

  int64_t spatial() const { return strides.size(); }
  /// The dim of x (and of the result) of spatial dim i.
  int64_t at(int64_t i) const { return isLast ? i + 1 : i + 2; }
  int64_t channel() const { return isLast ? spatial() + 1 : 1; }
};

/// What is added before and behind each spatial dim.
struct Padding {
  Values begin, end;
  bool isZero = false;
};

Padding windowPadding(Emitter &e, const Windows &w);
/// Positions of the window along each spatial dim.
Values windowCounts(Emitter &e, const Windows &w, const Padding &padding);
/// `tensor`, x's lowered form, padded with `value` where there is padding. `extra` is added behind as well.
mlir::Value padWindows(Emitter &e, const Windows &w, const Padding &padding, mlir::Value tensor, mlir::Value value,
                       mlir::ValueRange extra = {});

/// Sum over the window and the group's channels of product(x, w), in `accumulator`: y as nn.conv has it, without bias.
/// `weight` is lowered; `weightDims` are its symbolic dims.
mlir::Value emitConv(Emitter &e, const Windows &w, mlir::Value padded, mlir::Value weight,
                     const SymbolicDims &weightDims, int64_t group, mlir::Value result, mlir::ValueRange counts,
                     mlir::Type accumulator, ProductFn product);

} // namespace qopt

#endif
