// com.microsoft.MatMulNBits.
#pragma once
#include "Node.h"

namespace qopt {
mlir::LogicalResult convertMatMulNBits(Node &node);
}
