// --work-dir of `qopt quantize`.
#pragma once
#include "WorkFolder.h"

#include "qopt/Driver/Options.h"

#include "mlir/IR/BuiltinOps.h"

namespace qopt {

struct QuantizationReport;

inline constexpr Option workFolderOption = {"--work-dir", "DIR",
                                            "keep calibration and rounded weights there until all is done; the same call takes them up"};

/// The folder of --work-dir for this request; null where none is asked for. `options`: all that the command takes. Errors: files that
/// cannot be read, what WorkFolder says.
llvm::Expected<std::shared_ptr<WorkFolder>> openWork(const Arguments &arguments, llvm::ArrayRef<Option> options, mlir::ModuleOp module);

/// Tells the report what was taken up from an earlier call. `work` may be null.
void reportWork(const WorkFolder *work, llvm::StringRef folder, QuantizationReport &report);

} // namespace qopt
