// Compiled artifacts (.so) as executors.
#pragma once
#include "qopt/Execution/Executor.h"

namespace qopt {

/// Loads the artifact at `path`. Errors: no shared object, no artifact of qopt, of another ABI, or for another CPU.
llvm::Expected<std::unique_ptr<Executor>> loadArtifact(llvm::StringRef path, int32_t threads);

} // namespace qopt
