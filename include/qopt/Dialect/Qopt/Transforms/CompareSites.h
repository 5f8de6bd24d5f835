//===- CompareSites.h - A program that shows what rounding did to each site --===//
//
// Before rounding, ops get numbers; afterwards the float and the quantized program are put side by side in one function that
// observes each quantized linear op three times. One run of it gives, for every site:
//   local        the op with quantized operands, fed with the float program's tensors: what this op alone costs;
//   accumulated  the same tensor in the quantized program: what everything up to here costs.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_COMPARESITES_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_COMPARESITES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace qopt {

/// Numbers the ops of @main (attribute `qopt.number`), so that what becomes of them can be found again. Constants get none.
void numberOps(mlir::ModuleOp module);
void dropNumbers(mlir::ModuleOp module);

/// A tensor that both programs compute; its values are observed under three indices.
struct ComparedSite {
  enum View : int32_t { Reference, Local, Accumulated, Views };
  std::string name;           ///< as Sites.h says
  std::string op;             ///< mnemonic of the op that computes it; empty for an output of the model
  bool hasLocal = false;      ///< false for outputs, and where an operand has no counterpart in the float program
  bool readsActivations = false; ///< the op's activation is quantized, too
};

/// `reference` and `quantized` come of one numbered module; only rounding lies between them. The result is a module like `reference`
/// whose @main also computes the quantized program, with observers of index `View + Views * position in sites`. The sites are the
/// quantized linear ops with f32 results in program order, then the f32 outputs of the model. Null where @main is missing.
mlir::OwningOpRef<mlir::ModuleOp> compareSites(mlir::ModuleOp reference, mlir::ModuleOp quantized,
                                               std::vector<ComparedSite> &sites);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_COMPARESITES_H
