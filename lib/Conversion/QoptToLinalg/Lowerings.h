//===- Lowerings.h - The families of lowerings -----------------------------------===//
#ifndef QOPT_LIB_CONVERSION_QOPTTOLINALG_LOWERINGS_H
#define QOPT_LIB_CONVERSION_QOPTTOLINALG_LOWERINGS_H

#include "qopt/Conversion/Common/LoweringTable.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

namespace qopt {
void addQuantizeLowerings(LoweringTable &table);
void addIntegerLowerings(LoweringTable &table);
} // namespace qopt

#endif
