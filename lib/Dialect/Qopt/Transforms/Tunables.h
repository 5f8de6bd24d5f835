// How the parameters of distillation enter a program. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_TUNABLES_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_TUNABLES_H

#include "qopt/Dialect/Qopt/Transforms/Distillation.h"

namespace qopt {

/// The op's result with factors on its weight's scales and with `shift` added to its bias: values of the program, or null.
mlir::Value underParameters(LinearLikeOpInterface op, mlir::Value factors, mlir::Value shift);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_TUNABLES_H
