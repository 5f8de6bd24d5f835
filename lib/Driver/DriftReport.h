// Drift between calibration and use, as text, JSON and a page's section.
#pragma once
#include "qopt/Calibration/Drift.h"

#include "llvm/Support/JSON.h"

namespace qopt {

/// One line that counts, and a table of the first `most` sites.
void printDrift(llvm::raw_ostream &os, llvm::ArrayRef<SiteDrift> drifts, size_t most);
llvm::json::Array driftToJson(llvm::ArrayRef<SiteDrift> drifts);
void writeDrift(llvm::raw_ostream &html, llvm::ArrayRef<SiteDrift> drifts);

} // namespace qopt
