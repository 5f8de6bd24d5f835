// Statistics as module attributes, where passes read them.
#pragma once
#include "qopt/Calibration/Statistics.h"

#include "mlir/IR/BuiltinOps.h"

namespace qopt {

/// The sites that `qopt-insert-observers` put into a module, by index.
std::vector<SiteInfo> readSites(mlir::ModuleOp module);

/// Sets `qopt.ranges` (site → [min, max] by the chosen method) and `qopt.channels` (site → per-channel min, max, mean square).
/// Sites that no sample reached are left out and returned.
std::vector<std::string> annotateStatistics(mlir::ModuleOp module, const Statistics &statistics, const RangeChoice &choice);

} // namespace qopt
