//===- Lowerings.h - The families of lowerings ---------------------------------===//
#ifndef QOPT_LIB_CONVERSION_NNTOLINALG_LOWERINGS_H
#define QOPT_LIB_CONVERSION_NNTOLINALG_LOWERINGS_H

#include "qopt/Conversion/Common/LoweringTable.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "llvm/ADT/TypeSwitch.h"

namespace qopt {

void addElementwiseLowerings(LoweringTable &table);
void addMatMulLowerings(LoweringTable &table);
void addEinsumLowerings(LoweringTable &table);
void addAttentionLowerings(LoweringTable &table);
void addConvLowerings(LoweringTable &table);
void addPoolLowerings(LoweringTable &table);
void addReduceLowerings(LoweringTable &table);
void addScanLowerings(LoweringTable &table);
void addNormLowerings(LoweringTable &table);
void addSoftmaxLowerings(LoweringTable &table);
void addShapeLowerings(LoweringTable &table);
void addSliceLowerings(LoweringTable &table);
void addFillLowerings(LoweringTable &table);
void addGatherLowerings(LoweringTable &table);
void addScatterLowerings(LoweringTable &table);
void addResizeLowerings(LoweringTable &table);
void addSortLowerings(LoweringTable &table);
void addRearrangeLowerings(LoweringTable &table);

/// One element of an elementwise op from the elements of its operands, all in compute form; null if the op has no such
/// form for its types.
mlir::Value lowerElement(mlir::Operation *op, Scalars &s, mlir::ValueRange x);
mlir::Value lowerFloatFunction(mlir::Operation *op, Scalars &s, mlir::Value x);

/// e^(x - max) and its sums along `axis` of a lowered tensor in compute form. A row of negative infinities alone has sum one.
struct Exponentials {
  mlir::Value exponentials; ///< of x's shape
  mlir::Value shifted;      ///< x - max
  mlir::Value sums;         ///< without the axis
};
Exponentials emitExponentials(Emitter &e, mlir::Value x, int64_t axis, bool zeroWhereMasked = false);
/// Divides the exponentials by their sums and stores them as elements of the graph's type `element`.
mlir::Value emitSoftmax(Emitter &e, const Exponentials &x, int64_t axis, mlir::Type element);

/// The map that leaves `axes` of `rank` dims out.
mlir::AffineMap dropDims(mlir::MLIRContext *context, int64_t rank, llvm::ArrayRef<int64_t> axes);
/// A tensor of stored elements of the graph's type `element` in compute form.
mlir::Value decodeAll(Emitter &e, mlir::Value stored, mlir::Type element);

} // namespace qopt

#endif
