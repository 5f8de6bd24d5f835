//===- Operands.h - Which operand specs qopt-insert-qdq can make --------------===//
#ifndef QOPT_DIALECT_QOPT_TRANSFORMS_OPERANDS_H
#define QOPT_DIALECT_QOPT_TRANSFORMS_OPERANDS_H

#include "qopt/TargetInfo/OperandSpec.h"

#include <string>

namespace qopt {

/// Why weights or activations cannot be quantized so, as a clause; empty where they can.
std::string whyNotWeights(const OperandSpec &spec);
std::string whyNotActivations(const OperandSpec &spec);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_TRANSFORMS_OPERANDS_H
