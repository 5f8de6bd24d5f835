// What this build is.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace qopt {

/// "0.1.0".
llvm::StringRef version();
/// The LLVM and MLIR that this build stands on: "22.1.8".
llvm::StringRef llvmVersion();

} // namespace qopt
