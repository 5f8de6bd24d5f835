// The bytes of a constant as compiled programs read them: dense, row-major, a byte for each element narrower than one.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace qopt {

struct ConstantBytes {
  std::string symbol;
  llvm::ArrayRef<char> bytes;
  int64_t elementBytes = 1;
  /// Holds the bytes where they had to be made (splats, packed booleans); else they lie in the MLIR context.
  std::shared_ptr<const std::vector<char>> owned;
};

/// The constants that `qopt-externalize-constants` took out of the module. Errors: a value whose bytes are not there.
llvm::Expected<std::vector<ConstantBytes>> readConstants(mlir::ModuleOp module);

} // namespace qopt
