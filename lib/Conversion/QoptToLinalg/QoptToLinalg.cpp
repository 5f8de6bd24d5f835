#include "qopt/Conversion/QoptToLinalg/QoptToLinalg.h"

#include "Lowerings.h"

using namespace qopt;

void qopt::addQoptLowerings(LoweringTable &table) {
  addQuantizeLowerings(table);
  addDynamicLowerings(table);
  addIntegerLowerings(table);
}
