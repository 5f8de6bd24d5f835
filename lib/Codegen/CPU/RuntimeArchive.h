// The runtime's archive, carried inside the compiler so that artifacts can be linked wherever it is installed.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace qopt {

llvm::StringRef runtimeArchive();

} // namespace qopt
