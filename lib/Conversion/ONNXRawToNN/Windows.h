// Kernel, strides, dilations, pads of convolutions and pools.
#pragma once
#include "Node.h"

namespace qopt {

struct Window {
  Dims kernel, strides, dilations, pads;
  /// "SAME_UPPER" or "SAME_LOWER" where a dynamic dim leaves the pads open, else "NOTSET".
  std::string autoPad = "NOTSET";
};

/// Reads a node's window over the spatial dims `x` (dims 2 and on of the input). `kernel` holds the weight's dims, or is empty to be
/// read from `kernel_shape`. Nothing after an error.
std::optional<Window> readWindow(Node &node, llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> kernel);

/// strides, dilations, pads and auto_pad as attributes.
Attrs &addWindow(Attrs &attrs, const Window &window);

} // namespace qopt
