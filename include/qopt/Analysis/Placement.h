//===- Placement.h - What may run in integers, and why -----------------------===//
//
// One table: how quantize/dequantize pairs are placed around each op. Every row states its reason, which remarks and reports
// repeat.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_ANALYSIS_PLACEMENT_H
#define QOPT_ANALYSIS_PLACEMENT_H

#include "mlir/IR/Operation.h"

namespace qopt {

/// How an op takes part in a graph of 8-bit integers.
enum class Role {
  /// Multiplies and accumulates: quantized inputs pay off at once.
  Compute,
  /// Cheap arithmetic: stays in integers where it stands between integer ops, to save memory traffic.
  Elementwise,
  /// Moves or selects elements: the same on codes as on numbers, so it keeps its input's scale.
  Transparent,
  /// Runs in float.
  Float,
};

struct PlacementRow {
  llvm::StringRef op;
  Role role;
  llvm::StringRef code;   ///< Stable reason code, for `qopt explain`.
  llvm::StringRef reason; ///< One clause, for remarks and reports.
};

/// All rows, sorted by op.
llvm::ArrayRef<PlacementRow> placementTable();

/// The op's row; ops that are not in the table get the row for unknown ops (Role::Float).
const PlacementRow &placement(mlir::Operation *op);

llvm::StringRef roleName(Role role);

} // namespace qopt

#endif // QOPT_ANALYSIS_PLACEMENT_H
