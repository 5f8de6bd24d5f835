//===- Sites.h - Names of the values that statistics are about ---------------===//
//
// A site is a float tensor of the model: a graph input, or the result of an op. Its name is what the user knows: the input's
// name or the ONNX node's. Statistics, recipes, remarks and reports all use these names.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_ANALYSIS_SITES_H
#define QOPT_ANALYSIS_SITES_H

#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace qopt {

/// The name in an op's location (NameLoc, also inside fused or call-site locations), or its mnemonic where there is none.
std::string locationName(mlir::Location loc, llvm::StringRef otherwise);
/// The same of an op: what recipes and reports call it.
std::string nameOf(mlir::Operation *op);

class Sites {
public:
  /// Names all float tensors defined in `func`'s entry region, in program order; a name that occurs again gets "#2", "#3", ….
  explicit Sites(mlir::FunctionOpInterface func);

  /// Empty for values that are no sites (constants, integers, shapes).
  llvm::StringRef name(mlir::Value value) const;
  llvm::ArrayRef<mlir::Value> values() const { return order; }

private:
  void add(mlir::Value value, std::string name);

  llvm::SmallVector<mlir::Value> order;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::StringMap<int> uses;
};

} // namespace qopt

#endif // QOPT_ANALYSIS_SITES_H
