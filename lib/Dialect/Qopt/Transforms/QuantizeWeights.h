// A weight constant as codes and scales. Internal to this room.
#ifndef QOPT_LIB_DIALECT_QOPT_TRANSFORMS_QUANTIZEWEIGHTS_H
#define QOPT_LIB_DIALECT_QOPT_TRANSFORMS_QUANTIZEWEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"

#include <string>

namespace qopt {

/// int8, symmetric, one scale per index of `axis`.
struct WeightCodes {
  mlir::ElementsAttr codes;  ///< i8, of the weight's shape
  mlir::ElementsAttr scales; ///< f32, of shape [dim of axis]
  std::string error;         ///< one clause; set where the weight cannot be quantized
};

enum class WeightClip { Max, MSE };

WeightCodes quantizeWeight(mlir::ElementsAttr weight, int64_t axis, WeightClip clip);

} // namespace qopt

#endif // QOPT_LIB_DIALECT_QOPT_TRANSFORMS_QUANTIZEWEIGHTS_H
