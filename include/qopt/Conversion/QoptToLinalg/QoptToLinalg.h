//===- QoptToLinalg.h - Reference forms of quantized ops -----------------------===//
#ifndef QOPT_CONVERSION_QOPTTOLINALG_QOPTTOLINALG_H
#define QOPT_CONVERSION_QOPTTOLINALG_QOPTTOLINALG_H

namespace qopt {

class LoweringTable;

/// The lowerings of quantize, dequantize, dynamic_params, integer_matmul, integer_conv and lookup.
void addQoptLowerings(LoweringTable &table);

} // namespace qopt

#endif
