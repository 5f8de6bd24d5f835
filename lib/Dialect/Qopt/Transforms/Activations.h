// Activations as quantize/dequantize pairs. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ACTIVATIONS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ACTIVATIONS_H

#include "qopt/TargetInfo/OperandSpec.h"

#include "mlir/IR/Builders.h"

#include <optional>
#include <utility>

namespace qopt {

/// Quantizes `value` (f32) and dequantizes it again; gives the result. `range` is what calibration saw, for static scales. Null where
/// there is no form: scales per token or group of a last dim of unknown size.
mlir::Value activationPair(mlir::OpBuilder &b, mlir::Value value, const OperandSpec &spec,
                           std::optional<std::pair<double, double>> range);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_ACTIVATIONS_H
