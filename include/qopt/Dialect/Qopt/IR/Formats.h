//===- Formats.h - Number formats as element types ---------------------------===//
#ifndef QOPT_DIALECT_QOPT_IR_FORMATS_H
#define QOPT_DIALECT_QOPT_IR_FORMATS_H

#include "qopt/Numerics/Formats/Format.h"

#include "mlir/IR/BuiltinTypes.h"

namespace qopt {

/// The element type that codes of a format have in IR. NF4's are ui4: what they stand for is in a table (qopt.lookup).
mlir::Type elementTypeOf(Format format, mlir::MLIRContext *context);

} // namespace qopt

#endif // QOPT_DIALECT_QOPT_IR_FORMATS_H
