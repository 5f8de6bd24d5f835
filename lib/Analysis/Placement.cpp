#include "qopt/Analysis/Placement.h"

#include "llvm/ADT/STLExtras.h"

using namespace qopt;

namespace {

constexpr llvm::StringRef kMac = "multiplies and accumulates, exact in int32";
constexpr llvm::StringRef kCheap = "one pass over memory: 8-bit operands save bandwidth between integer ops";
constexpr llvm::StringRef kMoves = "moves elements only, so codes keep their scale";
constexpr llvm::StringRef kOrder = "order is the same on codes as on numbers";
constexpr llvm::StringRef kNorm = "divides by a statistic of its input: 8-bit noise there is amplified";
constexpr llvm::StringRef kSoftmax = "its exponential turns absolute input error into relative output error";
constexpr llvm::StringRef kUnknown = "has no integer form";

// Sorted by op name.
constexpr PlacementRow kTable[] = {
    {"linalg.batch_matmul", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.contract", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.conv_1d_ncw_fcw", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.conv_1d_nwc_wcf", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.conv_2d_nchw_fchw", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.conv_2d_nhwc_fhwc", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.conv_2d_nhwc_hwcf", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.conv_3d_ndhwc_dhwcf", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.matmul", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.matvec", Role::Compute, "PLACE-MAC", kMac},
    {"linalg.vecmat", Role::Compute, "PLACE-MAC", kMac},
    {"nn.add", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.average_pool", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.batch_normalization", Role::Float, "PLACE-NORM", kNorm},
    {"nn.clip", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.concat", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.conv", Role::Compute, "PLACE-MAC", kMac},
    {"nn.depth_to_space", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.expand", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.flatten", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.gather", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.gelu", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.gemm", Role::Compute, "PLACE-MAC", kMac},
    {"nn.hard_sigmoid", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.hard_swish", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.instance_normalization", Role::Float, "PLACE-NORM", kNorm},
    {"nn.layer_normalization", Role::Float, "PLACE-NORM", kNorm},
    {"nn.leaky_relu", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.log_softmax", Role::Float, "PLACE-SOFTMAX", kSoftmax},
    {"nn.matmul", Role::Compute, "PLACE-MAC", kMac},
    {"nn.max_pool", Role::Transparent, "PLACE-ORDER", kOrder},
    {"nn.mul", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.prelu", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.reduce_mean", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.relu", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.reshape", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.rms_normalization", Role::Float, "PLACE-NORM", kNorm},
    {"nn.sigmoid", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.slice", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.softmax", Role::Float, "PLACE-SOFTMAX", kSoftmax},
    {"nn.space_to_depth", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.split", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.squeeze", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.sub", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.swish", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.tanh", Role::Elementwise, "PLACE-CHEAP", kCheap},
    {"nn.tile", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.transpose", Role::Transparent, "PLACE-MOVES", kMoves},
    {"nn.unsqueeze", Role::Transparent, "PLACE-MOVES", kMoves},
    {"tosa.conv2d", Role::Compute, "PLACE-MAC", kMac},
    {"tosa.conv3d", Role::Compute, "PLACE-MAC", kMac},
    {"tosa.matmul", Role::Compute, "PLACE-MAC", kMac},
};

constexpr PlacementRow kUnknownRow = {"", Role::Float, "PLACE-NONE", kUnknown};

} // namespace

llvm::ArrayRef<PlacementRow> qopt::placementTable() { return kTable; }

const PlacementRow &qopt::placement(mlir::Operation *op) {
  llvm::StringRef name = op->getName().getStringRef();
  const auto *row = llvm::lower_bound(kTable, name, [](const PlacementRow &r, llvm::StringRef n) { return r.op < n; });
  return row != std::end(kTable) && row->op == name ? *row : kUnknownRow;
}

llvm::StringRef qopt::roleName(Role role) {
  switch (role) {
  case Role::Compute:
    return "compute";
  case Role::Elementwise:
    return "elementwise";
  case Role::Transparent:
    return "transparent";
  case Role::Float:
    return "float";
  }
  return "";
}
