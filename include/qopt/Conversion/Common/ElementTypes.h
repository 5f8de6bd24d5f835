//===- ElementTypes.h - How elements are stored and computed with -----------===//
//
// The graph's element types carry their meaning (ui8, f8E4M3FN, i4). Below linalg only bits remain:
//
//   graph                     stored as   computed in
//   i1                        i1          i1
//   iN, uiN, N >= 8           iN          iN, the ops chosen by the signedness
//   i4, ui4, i3, i2, ui2      i8          i8, one element a byte
//   f32, f64                  the same    the same
//   f16, bf16                 the same    f32
//   floats of 4 to 8 bits     i8          f32, one element a byte
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CONVERSION_COMMON_ELEMENTTYPES_H
#define QOPT_CONVERSION_COMMON_ELEMENTTYPES_H

#include "qopt/Numerics/Formats/Format.h"

#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace qopt {

/// The type of an element in memory; null for types that have no stored form (strings, complex numbers).
mlir::Type storageElementType(mlir::Type element);
/// The type that arithmetic on the element is done in.
mlir::Type computeElementType(mlir::Type element);
/// The stored form of a ranked tensor; other types stay. Null where the element has no stored form.
mlir::Type storageType(mlir::Type type);

/// Integers of the unsigned types and booleans.
bool isUnsignedElement(mlir::Type element);
/// A float of at most 8 bits, which only the runtime can convert.
bool isSmallFloat(mlir::Type element);
/// The format of a small float; none for other types.
std::optional<Format> smallFloatFormat(mlir::Type element);
/// "f8e4m3fn": the format's name in the runtime's conversion functions; empty for other types.
llvm::StringRef smallFloatName(mlir::Type element);

} // namespace qopt

#endif
