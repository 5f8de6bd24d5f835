// What a program says of one of its inputs or outputs.
#pragma once
#include "qopt/Support/DType.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace qopt {

struct ValueSpec {
  std::string name;
  DType dtype = DType::Float32;
  /// -1 where dynamic.
  llvm::SmallVector<int64_t, 4> shape;
  /// Empty, or one name a dim ("" for none). Dims of one name agree in a call.
  llvm::SmallVector<std::string, 4> dimNames;
};

} // namespace qopt
