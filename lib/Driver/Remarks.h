// What passes have to say while they run.
#pragma once
#include "qopt/Support/Json.h"

#include "mlir/IR/Diagnostics.h"

#include <string>
#include <vector>

namespace qopt {

/// A remark that ends in a reason code, "… [KERNEL-SHAPE]".
struct Remark {
  std::string site, text, code;
};

/// Keeps the remarks that have a code, in its life; MLIR itself shows nobody remarks.
class RemarkCollector {
public:
  explicit RemarkCollector(mlir::MLIRContext *context);

  std::vector<Remark> remarks;

private:
  mlir::ScopedDiagnosticHandler handler;
};

/// One line a code: how often, what it says the first time, and where.
void printRemarks(llvm::raw_ostream &os, llvm::ArrayRef<Remark> remarks);
/// [{"site", "code", "reason"}]
llvm::json::Array toJson(llvm::ArrayRef<Remark> remarks);

} // namespace qopt
