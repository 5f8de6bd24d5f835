// Constants that live as long as the program that passes made them for.
//
// MLIR keeps the bytes of a resource as long as the context, so the packed weights of a program that is compiled, run and thrown away
// would stay for good.
#pragma once
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringSet.h"

namespace qopt {

/// Frees, when it ends, the bytes of all resources that the context has got since it began. No IR that outlives the scope may have
/// taken any of them over. Scopes nest: what an inner one packs may be bytes that an outer one has.
class ResourceScope {
public:
  explicit ResourceScope(mlir::MLIRContext *context);
  ~ResourceScope();
  ResourceScope(const ResourceScope &) = delete;
  ResourceScope &operator=(const ResourceScope &) = delete;

private:
  mlir::MLIRContext *context;
  llvm::StringSet<> before; ///< keys of those that had bytes
};

} // namespace qopt
