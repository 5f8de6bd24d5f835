// What is in a module: for `qopt inspect`, `qopt check` and the report of a quantization.
#pragma once
#include "Sizes.h"

#include "qopt/Support/ValueSpec.h"

#include <vector>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace qopt {

/// A constant tensor that something reads. Equal constants count once.
struct ConstantInfo {
  std::string name;   ///< the ONNX initializer's or node's, else the resource's
  std::string format; ///< of the elements
  std::string shape;  ///< "[3,4]"
  int64_t elements = 0;
  int64_t bytes = 0;
};

struct ModuleContents {
  std::map<std::string, int64_t> ops;  ///< how often each op occurs; constants and functions are left out
  std::vector<ConstantInfo> constants; ///< the largest first
  SizeByFormat sizes;
  std::vector<ValueSpec> inputs, outputs; ///< of the model's function; those that are no tensors are left out
  std::map<std::string, std::string> provenance; ///< module attributes of the importer and of qopt's writers
};

ModuleContents contentsOf(mlir::ModuleOp module);

/// Only the constants' sizes.
SizeByFormat sizesOf(mlir::ModuleOp module);

} // namespace qopt
