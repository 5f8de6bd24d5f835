#include "qopt/Support/Version.h"
#include "llvm/Config/llvm-config.h"

namespace qopt {

llvm::StringRef version() { return QOPT_VERSION; }
llvm::StringRef llvmVersion() { return LLVM_VERSION_STRING; }

} // namespace qopt
