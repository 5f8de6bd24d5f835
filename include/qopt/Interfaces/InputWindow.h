//===- InputWindow.h - What of an activation meets a row of the weight --------===//
#ifndef QOPT_INTERFACES_INPUTWINDOW_H
#define QOPT_INTERFACES_INPUTWINDOW_H

#include <cstdint>
#include <string>
#include <vector>

namespace qopt {

/// All input channels at one position, or, for a convolution, those under its kernel.
struct InputWindow {
  /// One entry a spatial dim, none for matrix products; `pads` are all begins, then all ends.
  std::vector<int64_t> kernel, strides, dilations, pads;
  /// Whether the weight's columns run over (kernel dims, channel) instead of (channel, kernel dims), and the activation's dims are
  /// (batch, spatial dims, channel) instead of (batch, channel, spatial dims).
  bool channelsLast = false;
  /// A clause that says why the window cannot be told; empty where it can.
  std::string unknown;
};

} // namespace qopt

#endif // QOPT_INTERFACES_INPUTWINDOW_H
