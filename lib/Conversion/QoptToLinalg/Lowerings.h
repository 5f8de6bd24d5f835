//===- Lowerings.h - The families of lowerings -----------------------------------===//
#ifndef QOPT_LIB_CONVERSION_QOPTTOLINALG_LOWERINGS_H
#define QOPT_LIB_CONVERSION_QOPTTOLINALG_LOWERINGS_H

#include "qopt/Conversion/Common/LoweringTable.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

namespace qopt {
void addQuantizeLowerings(LoweringTable &table);
void addDynamicLowerings(LoweringTable &table);
void addIntegerLowerings(LoweringTable &table);

/// x (an integral float) as an integer of `target`, clamped to its range; NaN becomes the lowest.
mlir::Value saturateTo(Scalars &s, mlir::Value x, mlir::Type compute, mlir::IntegerType target);
} // namespace qopt

#endif
