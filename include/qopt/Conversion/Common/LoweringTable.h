//===- LoweringTable.h - One function per op of the graph ---------------------===//
#ifndef QOPT_CONVERSION_COMMON_LOWERINGTABLE_H
#define QOPT_CONVERSION_COMMON_LOWERINGTABLE_H

#include "qopt/Conversion/Common/Emitter.h"

namespace qopt {

/// Lowerings by op. A lowering gives one value (in stored form) for each result of its op, or nothing where it has no
/// form for the case at hand.
class LoweringTable {
public:
  template <typename Op> void add(Values (*lower)(Op, Emitter &)) {
    table[Op::getOperationName()] = [lower](mlir::Operation *op, Emitter &e) { return lower(mlir::cast<Op>(op), e); };
  }
  /// The same for several ops.
  template <typename... Ops> void addAll(Values (*lower)(mlir::Operation *, Emitter &)) {
    ((table[Ops::getOperationName()] = lower), ...);
  }
  /// Tries `lower` before what the table has for the op: a target's better form.
  template <typename Op> void prefer(std::function<Values(Op, Emitter &)> lower) {
    auto &entry = table[Op::getOperationName()];
    entry = [lower = std::move(lower), otherwise = std::move(entry)](mlir::Operation *op, Emitter &e) {
      Values results = lower(mlir::cast<Op>(op), e);
      return results.empty() && otherwise ? otherwise(op, e) : results;
    };
  }
  const std::function<Values(mlir::Operation *, Emitter &)> *find(mlir::Operation *op) const {
    auto it = table.find(op->getName().getStringRef());
    return it == table.end() ? nullptr : &it->second;
  }

private:
  llvm::StringMap<std::function<Values(mlir::Operation *, Emitter &)>> table;
};

/// Rewrites every function of the module: ops of the table by their lowering, all others with their operands and result
/// types in stored form. Fails, with an error at each, on ops that the table has no form for.
mlir::LogicalResult lowerModule(mlir::ModuleOp module, const LoweringTable &table);

} // namespace qopt

#endif
